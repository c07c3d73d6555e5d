/*
 * How long a module takes to load, and whether loading leaves something behind:
 *
 *	loadtime --module PATH [--count N] [--initialize 1]
 *
 * Each time, the module is loaded, asked for its functions and for its default interface, and unloaded; with --initialize, it is
 * initialised, lists its slots and is finalised between. No file may stay open.
 */
#include "client.h"

#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static unsigned long count = 100, use;

static unsigned open_files(void) {
	DIR *folder = opendir("/dev/fd");
	if (folder == NULL)
		fail("/dev/fd cannot be read");
	unsigned n = 0;
	while (readdir(folder) != NULL)
		n++;
	closedir(folder);
	return n;
}

/* A module of 2.40 has no interfaces. */
static void ask_interface(void *library) {
	CK_RV (*get)(CK_UTF8CHAR *, CK_VERSION *, CK_INTERFACE **, CK_FLAGS);
	*(void **)&get = dlsym(library, "C_GetInterface");
	CK_INTERFACE *interface;
	if (get != NULL)
		check(get(NULL, NULL, &interface, 0), "C_GetInterface");
}

static void use_once(void) {
	CK_ULONG slots;
	initialize();
	check(p11->C_GetSlotList(CK_TRUE, NULL, &slots), "C_GetSlotList");
	check(p11->C_Finalize(NULL), "C_Finalize");
}

static double load_once(void) {
	double start = seconds();
	void *library = load();
	ask_interface(library);
	double taken = seconds() - start;
	if (use > 0)
		use_once();
	if (dlclose(library) != 0)
		fail("%s", dlerror());
	return taken * 1e6;
}

int main(int argc, char **argv) {
	const option options[] = {{"--count", NULL, &count}, {"--initialize", NULL, &use}, {NULL, NULL, NULL}};
	if (parse(argc, argv, options) != argc || count == 0)
		fail("%s: expected options alone, and a count above 0", argv[argc - 1]);
	double *taken = calloc(count, sizeof *taken);
	if (taken == NULL)
		fail("no memory for %lu times", count);
	printf("load-first 1 %.1f us\n", load_once());
	unsigned before = open_files();
	for (unsigned long i = 0; i < count; i++)
		taken[i] = load_once();
	unsigned after = open_files();
	if (after != before)
		fail("%u files are open after %lu loads, expected %u", after, count, before);
	print_spread("load", 1, taken, count, "us");
	free(taken);
	return EXIT_SUCCESS;
}
