/*
 * Connections to the agent: a pool of them, from which each call takes one for itself; the agent's start, and what becomes of the
 * client when another agent answers than before.
 */
#ifndef CONNECTION_H
#define CONNECTION_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#include "wire.h"

/*
 * A list whose links are atomic is whole at every moment, also for a child that is forked while another thread changes it. What else
 * such a child finds may be half of a change: it closes the connections, wipes the tickets, and forgets the rest.
 */
struct connection {
	struct connection *_Atomic next;
	struct connection *idle;
	int fd;
	dev_t device; /* and the number in it: what the descriptor was when it was opened */
	ino_t inode;
	CK_ULONG epoch;
	bool processors; /* its agent asks on which one we wait */
	size_t used, size;
	CK_BYTE *answer, first[4096];
};

/*
 * A call: begin, put the arguments to out, send, get the results from in, end. Its buffers are wiped at the end.
 * over and epoch are those of a session: see call_send.
 */
struct call {
	struct writer out;
	struct reader in;
	CK_ULONG generation, epoch, drops;
	const atomic_bool *over;
	struct connection *connection;
	CK_BYTE first[2048];
};

void call_begin(struct call *c, unsigned call, unsigned flags, CK_SLOT_ID slot, CK_SESSION_HANDLE session);

/*
 * One round trip; no lock is held meanwhile. When the connection ends before the answer is there, the call is made again on another
 * one if it changes nothing, and is CKR_DEVICE_REMOVED otherwise. It is CKR_SESSION_HANDLE_INVALID if the session is over, or if the
 * agent has had something of it (epoch is not 0) that was lost with an earlier client. c->connection is NULL if no answer came.
 */
CK_RV call_send(struct call *c, bool changes_nothing);
void call_end(struct call *c);

/* One call on a connection that is being opened. */
CK_RV call_on(struct call *c, struct connection *k);

/* The lock of the pool, and of all in state.h. It is held for moments, never across a round trip. */
extern pthread_mutex_t lock;

/* Where the agent is: at path; if it is NULL, where the environment says. */
CK_RV agent_locate(const char *path);
/* The client that the module is now, counted from 1; 0 before the first call. */
CK_ULONG agent_epoch(void);
void agent_interrupt(void);
void agent_forget(bool child);

#endif
