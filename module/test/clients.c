/*
 * Many programs that use one token at once:
 *
 *	clients --module PATH --pin PIN [--token LABEL] [--clients N]
 *
 * Each of N processes initialises the module, logs in and signs. When all of them have their sessions open, each signs once more.
 */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const char label[] = "clients p256";

static unsigned long clients = 1000;

typedef struct {
	int read, write;
} channel;

static channel open_channel(void) {
	int ends[2];
	if (pipe(ends) != 0)
		fail("no pipe");
	return (channel){ends[0], ends[1]};
}

static void run(channel ready, channel all) {
	close(ready.read);
	close(all.write);
	const key_kind *kind = kind_named("p256", 4);
	initialize();
	CK_SESSION_HANDLE session = open_session(find_slot());
	login(session);
	key_pair pair = find_or_generate(session, kind, label);
	prove(session, kind, pair);
	if (write(ready.write, "r", 1) != 1)
		fail("the first process is gone");
	close(ready.write);
	char end;
	if (read(all.read, &end, 1) != 0)
		fail("expected the end of a pipe");
	prove(session, kind, pair);
	check(p11->C_Finalize(NULL), "C_Finalize");
}

static pid_t begin(channel ready, channel all) {
	pid_t child = fork();
	if (child < 0)
		fail("no process");
	if (child > 0)
		return child;
	run(ready, all);
	exit(EXIT_SUCCESS);
}

static unsigned long successes(unsigned long n) {
	unsigned long good = 0;
	int status;
	while (n-- > 0 && wait(&status) > 0)
		good += WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
	return good;
}

/* Those that are ready by the time that each is ready or has failed */
static unsigned long await_ready(channel ready) {
	char letters[512];
	unsigned long n = 0;
	close(ready.write);
	for (ssize_t more; (more = read(ready.read, letters, sizeof letters)) > 0;)
		n += (unsigned long)more;
	close(ready.read);
	return n;
}

/* Starts clients, lets them go on when all have a session, and answers how many had one and ended well. */
static void meet(unsigned long n) {
	channel ready = open_channel(), all = open_channel();
	for (unsigned long i = 0; i < n; i++)
		begin(ready, all);
	double start = seconds();
	unsigned long open = await_ready(ready);
	printf("open %lu of %lu after %.3f s\n", open, n, seconds() - start);
	fflush(stdout);
	close(all.write);
	close(all.read);
	unsigned long good = successes(n);
	printf("signed %lu of %lu\n", good, n);
	fflush(stdout);
	if (open != n || good != n)
		exit(EXIT_FAILURE);
}

int main(int argc, char **argv) {
	const option options[] = {{"--clients", NULL, &clients}, {NULL, NULL, NULL}};
	if (parse(argc, argv, options) != argc)
		fail("%s: expected options alone", argv[argc - 1]);
	load();
	meet(1); /* makes the key that all use */
	meet(clients);
	return EXIT_SUCCESS;
}
