/* What user-mode Linux 6.1 needs on processors with more registers than it knows (AMX): it sets the state of a process
 * by a buffer that holds the first part of it, and the kernel outside takes the whole only. Here the rest is added. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

static char whole[1 << 16];

long ptrace(enum __ptrace_request request, ...)
{
	static long (*real)(enum __ptrace_request, ...);
	va_list rest;
	va_start(rest, request);
	int process = va_arg(rest, int);
	void *which = va_arg(rest, void *);
	struct iovec *part = va_arg(rest, void *);
	va_end(rest);
	if (!real)
		real = (long (*)(enum __ptrace_request, ...))dlsym(RTLD_NEXT, "ptrace");
	struct iovec all = { whole, sizeof whole };
	if (request == PTRACE_SETREGSET && which == (void *)NT_X86_XSTATE
	    && real(PTRACE_GETREGSET, process, which, &all) == 0 && part->iov_len < all.iov_len) {
		memcpy(whole, part->iov_base, part->iov_len);
		return real(request, process, which, &all);
	}
	return real(request, process, which, part);
}
