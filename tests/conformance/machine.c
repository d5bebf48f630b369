/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* The few instructions of each architecture that C has no words for. */
#include "machine.h"

#define FUNCTION(name) \
	".text\n.globl " name "\n.hidden " name "\n.type " name ", %function\n" name ":\n"
#define END(name) ".size " name ", . - " name "\n"

#if defined(__x86_64__)
__asm__(FUNCTION("entry_probe")
        "movq %rsp, (%rdi)\n"
        "jmp entry_probed\n" END("entry_probe"));
#elif defined(__i386__)
__asm__(FUNCTION("entry_probe")
        "movl 4(%esp), %eax\n"
        "movl %esp, (%eax)\n"
        "jmp entry_probed\n" END("entry_probe"));
#elif defined(__aarch64__)
__asm__(FUNCTION("entry_probe")
        "hint #34\n" /* bti c */
        "mov x1, sp\n"
        "str x1, [x0]\n"
        "b entry_probed\n" END("entry_probe"));
#elif defined(__riscv) && __riscv_xlen == 64
__asm__(FUNCTION("entry_probe")
        "sd sp, 0(a0)\n"
        "tail entry_probed\n" END("entry_probe"));
#elif defined(__riscv)
__asm__(FUNCTION("entry_probe")
        "sw sp, 0(a0)\n"
        "tail entry_probed\n" END("entry_probe"));
#elif defined(__loongarch__)
__asm__(FUNCTION("entry_probe")
        "st.d $sp, $a0, 0\n"
        "b entry_probed\n" END("entry_probe"));
#elif defined(__arm__)
__asm__(".syntax unified\n.arm\n" FUNCTION("entry_probe")
        "str sp, [r0]\n"
        "b entry_probed\n" END("entry_probe"));
#elif defined(__s390x__)
__asm__(FUNCTION("entry_probe")
        "stg %r15, 0(%r2)\n"
        "jg entry_probed\n" END("entry_probe"));
#endif

#if defined(__x86_64__)
const char *const register_names[] = {"rbx", "rbp", "r12", "r13", "r14", "r15", NULL};
const slot register_values[] = {0x1111111111111111, 0x2222222222222222, 0x3333333333333333,
                                0x4444444444444444, 0x5555555555555555, 0x6666666666666666};
__asm__(FUNCTION("registers_call")
        "pushq %rbx\npushq %rbp\npushq %r12\npushq %r13\npushq %r14\npushq %r15\n"
        "pushq %rdi\n"
        "movq %rdi, %rax\n"
        "movq (%rax), %rdi\nmovq 8(%rax), %rsi\nmovl 16(%rax), %edx\nmovq 24(%rax), %rcx\n"
        "movabsq $0x1111111111111111, %rbx\nmovabsq $0x2222222222222222, %rbp\n"
        "movabsq $0x3333333333333333, %r12\nmovabsq $0x4444444444444444, %r13\n"
        "movabsq $0x5555555555555555, %r14\nmovabsq $0x6666666666666666, %r15\n"
        "call *32(%rax)\n"
        "popq %rdi\n"
        "movq %rax, 40(%rdi)\nmovq %rbx, 48(%rdi)\nmovq %rbp, 56(%rdi)\nmovq %r12, 64(%rdi)\n"
        "movq %r13, 72(%rdi)\nmovq %r14, 80(%rdi)\nmovq %r15, 88(%rdi)\n"
        "popq %r15\npopq %r14\npopq %r13\npopq %r12\npopq %rbp\npopq %rbx\n"
        "ret\n" END("registers_call"));
#elif defined(__i386__)
const char *const register_names[] = {"ebx", "esi", "edi", "ebp", NULL};
const slot register_values[] = {0x11111111, 0x22222222, 0x33333333, 0x44444444};
__asm__(FUNCTION("registers_call")
        "pushl %ebx\npushl %esi\npushl %edi\npushl %ebp\n"
        "movl 20(%esp), %eax\n"
        "pushl %eax\n"
        "subl $8, %esp\n" /* 16-byte alignment at the call */
        "pushl 12(%eax)\npushl 8(%eax)\npushl 4(%eax)\npushl (%eax)\n"
        "movl $0x11111111, %ebx\nmovl $0x22222222, %esi\n"
        "movl $0x33333333, %edi\nmovl $0x44444444, %ebp\n"
        "call *16(%eax)\n"
        "addl $24, %esp\n"
        "popl %ecx\n"
        "movl %eax, 20(%ecx)\nmovl %ebx, 24(%ecx)\nmovl %esi, 28(%ecx)\n"
        "movl %edi, 32(%ecx)\nmovl %ebp, 36(%ecx)\n"
        "popl %ebp\npopl %edi\npopl %esi\npopl %ebx\n"
        "ret\n" END("registers_call"));
#elif defined(__aarch64__)
const char *const register_names[] = {"x19", "x20", "x21", "x22", "x23", "x24", "x25",
                                      "x26", "x27", "x28", "x29", "d8",  "d9",  "d10",
                                      "d11", "d12", "d13", "d14", "d15", NULL};
const slot register_values[] = {0x1901, 0x2002, 0x2103, 0x2204, 0x2305, 0x2406, 0x2507,
                                0x2608, 0x2709, 0x280a, 0x290b, 0x1901, 0x2002, 0x2103,
                                0x2204, 0x2305, 0x2406, 0x2507, 0x2608};
__asm__(FUNCTION("registers_call")
        "hint #34\n"
        "stp x29, x30, [sp, #-192]!\n"
        "stp x19, x20, [sp, #16]\nstp x21, x22, [sp, #32]\nstp x23, x24, [sp, #48]\n"
        "stp x25, x26, [sp, #64]\nstp x27, x28, [sp, #80]\n"
        "stp d8, d9, [sp, #96]\nstp d10, d11, [sp, #112]\n"
        "stp d12, d13, [sp, #128]\nstp d14, d15, [sp, #144]\n"
        "str x0, [sp, #160]\n"
        "mov x9, x0\n"
        "mov x19, #0x1901\nmov x20, #0x2002\nmov x21, #0x2103\nmov x22, #0x2204\n"
        "mov x23, #0x2305\nmov x24, #0x2406\nmov x25, #0x2507\nmov x26, #0x2608\n"
        "mov x27, #0x2709\nmov x28, #0x280a\nmov x29, #0x290b\n"
        "fmov d8, x19\nfmov d9, x20\nfmov d10, x21\nfmov d11, x22\n"
        "fmov d12, x23\nfmov d13, x24\nfmov d14, x25\nfmov d15, x26\n"
        "ldp x0, x1, [x9]\nldp x2, x3, [x9, #16]\nldr x10, [x9, #32]\n"
        "blr x10\n"
        "ldr x9, [sp, #160]\n"
        "str x0, [x9, #40]\n"
        "stp x19, x20, [x9, #48]\nstp x21, x22, [x9, #64]\nstp x23, x24, [x9, #80]\n"
        "stp x25, x26, [x9, #96]\nstp x27, x28, [x9, #112]\nstr x29, [x9, #128]\n"
        "stp d8, d9, [x9, #136]\nstp d10, d11, [x9, #152]\n"
        "stp d12, d13, [x9, #168]\nstp d14, d15, [x9, #184]\n"
        "ldp d14, d15, [sp, #144]\nldp d12, d13, [sp, #128]\n"
        "ldp d10, d11, [sp, #112]\nldp d8, d9, [sp, #96]\n"
        "ldp x27, x28, [sp, #80]\nldp x25, x26, [sp, #64]\n"
        "ldp x23, x24, [sp, #48]\nldp x21, x22, [sp, #32]\nldp x19, x20, [sp, #16]\n"
        "ldp x29, x30, [sp], #192\n"
        "ret\n" END("registers_call"));
#elif defined(__riscv) && __riscv_xlen == 64
const char *const register_names[] = {"s0", "s1", "s2", "s3",  "s4",  "s5", "s6",
                                      "s7", "s8", "s9", "s10", "s11", NULL};
const slot register_values[] = {0x101, 0x202, 0x303, 0x404, 0x505, 0x606,
                                0x707, 0x108, 0x209, 0x30a, 0x40b, 0x50c};
__asm__(FUNCTION("registers_call")
        "addi sp, sp, -112\n"
        "sd ra, 0(sp)\nsd s0, 8(sp)\nsd s1, 16(sp)\nsd s2, 24(sp)\nsd s3, 32(sp)\n"
        "sd s4, 40(sp)\nsd s5, 48(sp)\nsd s6, 56(sp)\nsd s7, 64(sp)\nsd s8, 72(sp)\n"
        "sd s9, 80(sp)\nsd s10, 88(sp)\nsd s11, 96(sp)\nsd a0, 104(sp)\n"
        "mv t0, a0\n"
        "li s0, 0x101\nli s1, 0x202\nli s2, 0x303\nli s3, 0x404\nli s4, 0x505\n"
        "li s5, 0x606\nli s6, 0x707\nli s7, 0x108\nli s8, 0x209\nli s9, 0x30a\n"
        "li s10, 0x40b\nli s11, 0x50c\n"
        "ld a0, 0(t0)\nld a1, 8(t0)\nld a2, 16(t0)\nld a3, 24(t0)\nld t1, 32(t0)\n"
        "jalr t1\n"
        "ld t0, 104(sp)\n"
        "sd a0, 40(t0)\nsd s0, 48(t0)\nsd s1, 56(t0)\nsd s2, 64(t0)\nsd s3, 72(t0)\n"
        "sd s4, 80(t0)\nsd s5, 88(t0)\nsd s6, 96(t0)\nsd s7, 104(t0)\nsd s8, 112(t0)\n"
        "sd s9, 120(t0)\nsd s10, 128(t0)\nsd s11, 136(t0)\n"
        "ld ra, 0(sp)\nld s0, 8(sp)\nld s1, 16(sp)\nld s2, 24(sp)\nld s3, 32(sp)\n"
        "ld s4, 40(sp)\nld s5, 48(sp)\nld s6, 56(sp)\nld s7, 64(sp)\nld s8, 72(sp)\n"
        "ld s9, 80(sp)\nld s10, 88(sp)\nld s11, 96(sp)\n"
        "addi sp, sp, 112\n"
        "ret\n" END("registers_call"));
#endif
