"""The fields of an HTTP/2 header block that are spelled out in it, such as gRPC's status. Source: RFC 7541."""

from __future__ import annotations

from collections.abc import Iterator

# Appendix B, up to 19 bits: (bits, characters in the order of their codes). Longer ones are for bytes that no text of gRPC's has.
_CODE_LENGTHS = (
    (5, b"012aceiost"),
    (6, b" %-./3456789=A_bdfghlmnpru"),
    (7, b":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz"),
    (8, b"&*,;XZ"),
    (10, b'!"()?'),
    (11, b"'+|"),
    (12, b"#>"),
    (13, b"\0$@[]~"),
    (14, b"^}"),
    (15, b"<`{"),
    (19, b"\\"),
)


def _codes() -> Iterator[tuple[tuple[int, int], int]]:
    """((bits, code), character): codes of the same length follow each other, as in every canonical Huffman code."""
    code = before = 0
    for bits, characters in _CODE_LENGTHS:
        code <<= bits - before
        before = bits
        for character in characters:
            yield (bits, code), character
            code += 1


_CODES = dict(_codes())


def spelled_out(block: bytes) -> dict[bytes, bytes]:
    """Fields with a name that is no reference to a table (6.2), without padding and priority; what is cut off is left out."""
    found: dict[bytes, bytes] = {}
    at = 0
    try:
        while at < len(block):
            first = block[at]
            if first & 0x80 or first & 0xE0 == 0x20:  # a field of a table, or a table's size
                _, at = _number(block, at, 7 if first & 0x80 else 5)
                continue
            index, at = _number(block, at, 6 if first & 0x40 else 4)
            name, at = (b"", at) if index else _string(block, at)
            value, at = _string(block, at)
            if name:
                found[name] = value
    except IndexError:
        pass
    return found


def _number(block: bytes, at: int, bits: int) -> tuple[int, int]:
    """An integer that begins in a byte's last bits (5.1), and where it ends."""
    most = (1 << bits) - 1
    number, at, shift = block[at] & most, at + 1, 0
    if number == most:
        while True:
            number += (block[at] & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if not block[at - 1] & 0x80:
                break
    return number, at


def _string(block: bytes, at: int) -> tuple[bytes, int]:
    squeezed = block[at] & 0x80
    length, at = _number(block, at, 7)
    text = block[at : at + length]
    return _unsqueezed(text) if squeezed else text, at + length


def _unsqueezed(data: bytes) -> bytes:
    """What is left over at the end, fewer than eight ones, is padding."""
    out = bytearray()
    bits = code = 0
    for byte in data:
        for shift in range(7, -1, -1):
            bits, code = bits + 1, code << 1 | byte >> shift & 1
            character = _CODES.get((bits, code))
            if character is not None:
                out.append(character)
                bits = code = 0
    return bytes(out)
