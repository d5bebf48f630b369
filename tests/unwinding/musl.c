/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * musl.c - what Debian's libgcc_eh.a asks of glibc and musl hasn't got: where
 * the frame information of a program counter is. For static programs, which
 * are one object.
 */
#include <elf.h>
#include <link.h>
#include <stddef.h>
#include <sys/auxv.h>

struct found {
	unsigned long long flags;
	void *start, *end, *map, *frame_header;
	unsigned long long reserved[7];
};

int _dl_find_object(void *pc, struct found *found);

int
_dl_find_object(void *pc, struct found *found)
{
	const ElfW(Phdr) *header = (const void *)getauxval(AT_PHDR);
	unsigned long count = getauxval(AT_PHNUM), i;

	(void)pc;
	*found = (struct found){ 0 };
	for (i = 0; i < count; i++)
		if (header[i].p_type == PT_GNU_EH_FRAME)
			found->frame_header = (void *)header[i].p_vaddr;
	return found->frame_header != NULL ? 0 : -1;
}
