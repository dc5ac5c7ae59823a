// The bytecode, the uses of the heap's blocks, and the arena: each the contents of a file that the build names, or empty.
// image.ld says where they go.
#ifdef BAUTA_BYTECODE
#define BYTECODE ".incbin \"" BAUTA_BYTECODE "\"\n"
#else
#define BYTECODE ""
#endif

#ifdef BAUTA_USES
#define USES ".incbin \"" BAUTA_USES "\"\n"
#else
#define USES ""
#define BAUTA_WRITTEN_BYTES "0"
#define BAUTA_READ_BYTES "0"
#endif

// The pages of an executable are in the file as they are in memory: 64 KB where a kernel may have such pages.
#ifdef __aarch64__
#define PAGES "65536"
#else
#define PAGES "4096"
#endif

// The first arena holds the heap while the snapshot is made, and the second arena contains the snapshot.
#ifndef BAUTA_ARENA
#define ARENA_SECTION "@nobits"
#define ARENA ".skip 16 << 20\n"
#else
#define ARENA_SECTION "@progbits"
#define ARENA ".incbin \"" BAUTA_ARENA "\"\n"
#endif

__asm__(
    ".section .bauta_bytecode, \"a\", @progbits\n"
    "bauta_bytecode:\n" BYTECODE
    "1:\n"
    "bauta_uses:\n" USES
    "3:\n"
    ".section .bauta_arena, \"aw\", " ARENA_SECTION "\n"
    ".balign " PAGES "\n"
    "bauta_arena:\n" ARENA
    "2:\n"
    ".section .rodata\n"
    ".balign 8\n"
    "bauta_bytecode_size: .quad 1b - bauta_bytecode\n"
    "bauta_arena_size: .quad 2b - bauta_arena\n"
    "bauta_uses_count: .quad 3b - bauta_uses\n"
    "bauta_written_bytes: .quad " BAUTA_WRITTEN_BYTES "\n"
    "bauta_read_bytes: .quad " BAUTA_READ_BYTES "\n"
    ".globl bauta_bytecode, bauta_bytecode_size, bauta_arena, bauta_arena_size\n"
    ".globl bauta_uses, bauta_uses_count, bauta_written_bytes, bauta_read_bytes\n"
    ".text\n");
