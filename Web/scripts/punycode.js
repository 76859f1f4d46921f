// markdown-it encodes host names of links with punycode; URL does that in a browser.
const host = text => new URL("http://" + text).hostname;
export const toASCII = text => {
    try {
        return host(text);
    } catch {
        return text;
    }
};
export const toUnicode = text => text;
export default { toASCII, toUnicode };
