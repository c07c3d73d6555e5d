# Reads the code of a share sheet and prints set, scheme, custodian, prime and
# value. Written from the text of BIP-93 (checksum) and BIP-173 (alphabet).
import sys
ALPHABET = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"
GENERATOR = [0x19dc500ce73fde210, 0x1bfae00def77fe529, 0x1fbd920fffe7bee52,
             0x1739640bdeee3fdad, 0x07729a039cfc75f5a]
def polymod(values):
    residue = 1
    for v in values:
        top = residue >> 60
        residue = (residue & (1 << 60) - 1) << 5 ^ v
        for i in range(5):
            if top >> i & 1:
                residue ^= GENERATOR[i]
    return residue
symbols = [ALPHABET.index(c) for c in sys.argv[1].replace(" ", "")]
prefix = "cs"
expanded = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
target = 0
for c in "SECRETSHARE32":
    target = target << 5 | ALPHABET.index(c)
assert len(symbols) == 48 and polymod(expanded + symbols) == target, "checksum"
bits = 0
for s in symbols[:35]:
    bits = bits << 5 | s
def pop(n):
    global bits
    v = bits & (1 << n) - 1
    bits >>= n
    return v
body, form, number, total, threshold = pop(129), pop(2), pop(8), pop(8), pop(8)
prime = 2**128 + 51 if form == 0 else body >> 64
value = body if form == 0 else body & (1 << 64) - 1
def pairs(n):
    return n.to_bytes(max(1, (n.bit_length() + 7) // 8), "big").hex()
print("".join(ALPHABET[s] for s in symbols[:4]), f"{threshold}-of-{total}", number, pairs(prime), pairs(value))
