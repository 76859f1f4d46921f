"""A terminal of fixed size that understands the sequences of `martlet chat`; an unknown sequence is an error."""
import re
import unicodedata

TOKEN = re.compile(r"\x1b\[(\??)([0-9;]*)([A-Za-z])|\r|\n|\x08|\x1b|.", re.S)


def width(character):
    """The number of columns of a character."""
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


class Screen:
    """Rows of cells. Rows that scroll out at the top stay readable in `rows`."""

    def __init__(self, columns):
        self.columns, self.rows, self.row, self.column, self.behind = columns, [[]], 0, 0, False
        self.rest = ""

    def feed(self, text):
        text = self.rest + text
        # A sequence may arrive in parts.
        cut = re.search(r"\x1b(\[[?0-9;]*)?$", text)
        self.rest = text[cut.start():] if cut else ""
        for match in TOKEN.finditer(text[: cut.start()] if cut else text):
            self.token(match)

    def token(self, match):
        text = match.group(0)
        if text == "\r":
            self.column, self.behind = 0, False
        elif text == "\n":
            self.down()
        elif text == "\x08":
            self.column = max(0, self.column - 1)
        elif match.group(3):
            self.sequence(match.group(1), match.group(2), match.group(3))
        else:
            assert text >= " ", f"the control character {text!r} is no output of a chat"
            self.put(text)

    def down(self):
        self.row, self.behind = self.row + 1, False
        if self.row == len(self.rows):
            self.rows.append([])

    def put(self, character):
        cells = width(character)
        if cells == 0:
            if self.rows[self.row]:
                self.rows[self.row][-1] += character
            return
        if self.behind or self.column + cells > self.columns:
            self.column = 0
            self.down()
        row = self.rows[self.row]
        row += [" "] * (self.column + cells - len(row))
        row[self.column] = character
        if cells == 2:
            row[self.column + 1] = ""
        self.column += cells
        if self.column >= self.columns:
            self.column, self.behind = self.columns - 1, True

    def sequence(self, private, parameters, final):
        if private or final == "m":
            return
        self.behind = False
        count = int(parameters or 1)
        if final == "A":
            assert count <= self.row, "the cursor leaves the screen"
            self.row -= count
        elif final == "C":
            self.column = min(self.column + count, self.columns - 1)
        elif final == "K":
            del self.rows[self.row][self.column:]
        elif final == "J" and not parameters:
            del self.rows[self.row + 1:]
            del self.rows[self.row][self.column:]
        else:
            raise AssertionError(f"unknown sequence {parameters}{final}")

    @property
    def lines(self):
        return ["".join(row).rstrip() for row in self.rows]

    @property
    def text(self):
        return "\n".join(self.lines)
