/*
 * What the module keeps: whether it is initialised, its slots with their logins, its sessions, and what it has been told and may
 * answer again: the directory of slots and mechanisms, and object records.
 */
#ifndef STATE_H
#define STATE_H

#include "connection.h"

/* The life of the module: a process that was forked is no more initialised, until it calls C_Initialize. */

CK_RV module_begin(const char *path);
CK_RV module_end(void);
bool initialised(void);
/* Each call of a function that uses anything is between these two, so that C_Finalize can wait for it. */
bool enter(void);
void leave(void);

/* Slots */

#define NOBODY (~0UL)
enum { MAX_TICKET = 1024 };

/* A slot that the application has used. It stays until C_Finalize; all but id is under the lock. */
struct slot {
	struct slot *_Atomic next;
	CK_SLOT_ID id;
	pthread_mutex_t logins; /* held while a login begins or ends: here and at the agent that is one */
	CK_ULONG sessions, writable;
	CK_USER_TYPE user;
	bool told; /* the presence of a token, as C_WaitForSlotEvent has told it */
	size_t ticket_len;
	CK_BYTE ticket[MAX_TICKET];
};

/* NULL if there is no memory. The lock is held by the caller. */
struct slot *slot_state(CK_SLOT_ID id);
/* The login cannot be resumed any more. The lock is held by the caller. */
void slot_drop_ticket(struct slot *slot);
/* Nobody is logged in any more. The lock is held by the caller. */
void slot_logout(struct slot *slot);
/* Ends the sessions of a slot, and its login. The lock is held by the caller. */
void slot_end_sessions(struct slot *slot);

/* The directory. Rows are read with the lock held. */

/* Fetches it if it is not here; also if it may have changed, where that matters. */
CK_RV directory_fetch(bool anew);
const struct directory *directory_here(void);
const struct row *directory_row(CK_SLOT_ID id);
CK_RV directory_mechanism(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, struct mechanism *found);

/* Sessions */

enum kind { ENCRYPT = 1, DECRYPT, SIGN, VERIFY, DIGEST, SIGN_RECOVER, VERIFY_RECOVER, KINDS };
enum mode { PLAIN, MESSAGES, SIGNATURE_FIRST };

/* An operation: what C_*Init was given waits here until there is something to do. */
struct operation {
	bool active;
	enum mode mode;
	bool begun;                /* the agent knows of it */
	bool parts;                /* it was given some with Update */
	bool whole;                /* it was asked for the length of the whole's output, and so can have no parts */
	CK_ULONG output;           /* how long its output is; 0 if that is not known */
	bool exact;                /* and not shorter, so that a smaller buffer is refused before anything is done */
	CK_ULONG padding;          /* otherwise: by how much it may be longer than all of the input */
	struct writer beginning;   /* mechanism and key, as they are sent */
	struct writer signature;   /* given to C_VerifySignatureInit */
	struct writer data;        /* parts that were not sent yet */
	struct writer kept;        /* output for which the application's buffer was too small */
	bool keeping, last;        /* something is kept; and the operation is over with it */
};

struct session {
	struct session *next;
	CK_SESSION_HANDLE handle;
	struct slot *slot;
	bool writable;
	unsigned references; /* under the lock */
	atomic_bool over;
	pthread_mutex_t lock; /* for all below: two threads that use one session do so in turn */
	CK_ULONG epoch;       /* the client that the agent knows it from; 0 if it does not */
	bool objects;         /* some were made in it that end with it */
	bool finding;
	CK_OBJECT_HANDLE *found;
	CK_ULONG found_count, found_next;
	struct operation operations[KINDS];
};

CK_RV session_open(struct slot *slot, bool writable, CK_SESSION_HANDLE *handle);
/* Finds a session and locks it. What was entered is left again with session_leave, which returns rv. */
CK_RV session_enter(CK_SESSION_HANDLE handle, struct session **found);
CK_RV session_leave(struct session *s, CK_RV rv);
void session_end(struct session *s);
CK_USER_TYPE session_user(struct session *s);

/* A call that names the session, or its slot. */
void session_call(struct call *c, struct session *s, unsigned call);
CK_RV session_send(struct call *c, struct session *s, bool changes_nothing);

void operation_clear(struct operation *o);

/* Object records */

/* The caller releases what it has got. */
CK_RV object_get(struct session *s, CK_OBJECT_HANDLE handle, struct record **found);
/* Keeps what a call was answered, unless something was dropped since it began: then it may be as it was before. */
void object_keep(struct record *record, const struct call *c);
void object_release(struct record *record);
void objects_drop(CK_SLOT_ID slot);

/* How often records were dropped. */
CK_ULONG state_drops(void);
/* What connections tell: the generation of an answer; that the module is a new client; that it is about to be one. */
void state_seen(CK_ULONG generation);
void state_outdate(void);
CK_RV state_resume(struct connection *k);

#endif
