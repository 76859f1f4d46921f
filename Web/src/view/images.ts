/** Pictures before they are attached: turned as the camera was held, and not larger than the user wants. */

/** The most bytes in front of a picture that are searched for its orientation. */
const headLimit = 64 * 1024;

/** The orientation of a JPEG file from 1 (upright) to 8, by its Exif block; 1 if there is none. */
export function orientationOf(head: DataView): number {
    let at = 2;
    if (head.byteLength < 4 || head.getUint16(0) !== 0xffd8) return 1;
    while (at + 4 <= head.byteLength) {
        const marker = head.getUint16(at);
        const length = head.getUint16(at + 2);
        const isExif = marker === 0xffe1 && at + 10 <= head.byteLength && head.getUint32(at + 4) === 0x45786966;
        if (isExif) return orientationInTIFF(head, at + 10);
        if ((marker & 0xff00) !== 0xff00 || marker === 0xffda || length < 2) return 1;
        at += 2 + length;
    }
    return 1;
}

function orientationInTIFF(head: DataView, base: number): number {
    if (base + 8 > head.byteLength) return 1;
    const isLittle = head.getUint16(base) === 0x4949;
    const directory = base + head.getUint32(base + 4, isLittle);
    if (directory + 2 > head.byteLength) return 1;
    const count = head.getUint16(directory, isLittle);
    for (let entry = directory + 2; entry < directory + 2 + count * 12 && entry + 10 <= head.byteLength; entry += 12) {
        if (head.getUint16(entry, isLittle) !== 0x0112) continue;
        const value = head.getUint16(entry + 8, isLittle);
        return value >= 1 && value <= 8 ? value : 1;
    }
    return 1;
}

/**
 * The picture in the form in which it is attached.
 *
 * A model does not read Exif: a picture that the camera holds sideways is written upright. A picture that a browser cannot
 * read is attached as it is.
 * - `megapixels`: the largest size; 0 = any.
 */
export async function prepared(file: File, megapixels: number): Promise<File> {
    const isJPEG = file.type === "image/jpeg";
    const isTurned = isJPEG && orientationOf(new DataView(await file.slice(0, headLimit).arrayBuffer())) !== 1;
    if (!isTurned && megapixels <= 0) return file;
    const url = URL.createObjectURL(file);
    try {
        const image = new Image();
        image.src = url;
        await image.decode();
        const pixels = image.naturalWidth * image.naturalHeight;
        const scale = megapixels > 0 ? Math.min(1, Math.sqrt((megapixels * 1_000_000) / pixels)) : 1;
        if (!isTurned && scale === 1) return file;
        const canvas = document.createElement("canvas");
        canvas.width = Math.max(1, Math.round(image.naturalWidth * scale));
        canvas.height = Math.max(1, Math.round(image.naturalHeight * scale));
        canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
        const type = isJPEG ? "image/jpeg" : "image/png";
        const blob = await new Promise<Blob | null>(resolve => canvas.toBlob(resolve, type, 0.92));
        return blob ? new File([blob], file.name, { type }) : file;
    } catch {
        return file;
    } finally {
        URL.revokeObjectURL(url);
    }
}
