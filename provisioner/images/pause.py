"""The program of the pause container, assembled here so that no compiler is needed: 250 bytes that wait.

As PID 1 of a pod it must end on SIGTERM and SIGINT (the kernel drops both when PID 1 doesn't ask for them), and reap processes whose
parents ended, when the pod's containers share its process namespace. In C:

    sigset_t set = {SIGINT, SIGTERM, SIGCHLD};
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (;;) {
        int signal = sigtimedwait(&set, NULL, NULL);
        if (signal == SIGCHLD) while (wait4(-1, NULL, WNOHANG, NULL) > 0);
        else if (signal >= 0) _exit(0);
    }
"""

from __future__ import annotations

import struct

LOAD_ADDRESS = 0x400000
_HEADERS_BYTES = 64 + 56  # an ELF header and one program header

# x86-64, Linux system calls: 14 rt_sigprocmask, 128 rt_sigtimedwait, 61 wait4, 60 exit.
_CODE = bytes.fromhex(
    "68 02 40 01 00"  # push 0x14002        the set: bits 1, 14 and 16 are SIGINT, SIGTERM and SIGCHLD
    "6a 0e 58"  # push 14; pop rax
    "31 ff"  # xor edi, edi                 SIG_BLOCK
    "48 89 e6"  # mov rsi, rsp
    "31 d2"  # xor edx, edx
    "6a 08 41 5a"  # push 8; pop r10        bytes in a set
    "0f 05"  # syscall
    # wait:
    "68 80 00 00 00 58"  # push 128; pop rax
    "48 89 e7"  # mov rdi, rsp
    "31 f6"  # xor esi, esi
    "31 d2"  # xor edx, edx
    "6a 08 41 5a"  # push 8; pop r10
    "0f 05"  # syscall
    "83 f8 11"  # cmp eax, 17
    "74 0b"  # je reap
    "85 c0"  # test eax, eax
    "78 e4"  # js wait
    "31 ff"  # xor edi, edi
    "6a 3c 58"  # push 60; pop rax
    "0f 05"  # syscall                      exit(0)
    # reap:
    "6a 3d 58"  # push 61; pop rax
    "6a ff 5f"  # push -1; pop rdi          any child
    "31 f6"  # xor esi, esi
    "6a 01 5a"  # push 1; pop rdx           WNOHANG
    "45 31 d2"  # xor r10d, r10d
    "0f 05"  # syscall
    "85 c0"  # test eax, eax
    "7f ec"  # jg reap
    "eb c7"  # jmp wait
)


def program() -> bytes:
    """A static ELF executable for x86-64."""
    size = _HEADERS_BYTES + len(_CODE)
    identification = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)  # 64 bits, little-endian, System V
    header = identification + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, LOAD_ADDRESS + _HEADERS_BYTES, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, LOAD_ADDRESS, LOAD_ADDRESS, size, size, 0x1000)  # readable, executable
    return header + segment + _CODE
