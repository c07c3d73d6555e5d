/* Operations: encryption, signatures, digests and the like, from their beginning to their end. */
#ifndef OPERATION_H
#define OPERATION_H

#include "state.h"

/* Begins an operation, or cancels it if mechanism is NULL. signature is NULL but for SIGNATURE_FIRST. */
CK_RV operation_init(CK_SESSION_HANDLE session, enum kind kind, enum mode mode, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key,
	const CK_BYTE *signature, CK_ULONG signatureLen);
/* What goes in, with a signature for those that verify one, and where output goes; outLen is NULL where there is none. */
struct passage {
	const CK_BYTE *data;
	CK_ULONG dataLen;
	const CK_BYTE *signature;
	CK_ULONG signatureLen;
	CK_BYTE *out;
	CK_ULONG *outLen;
};

enum stage { BEGIN, SINGLE, UPDATE, FINAL, CANCEL };

/* Goes on with an operation, or ends it: CANCEL takes and gives nothing. */
CK_RV operation_pass(CK_SESSION_HANDLE session, enum kind kind, enum mode mode, enum stage stage, struct passage p);
/* Lets the agent know of what was begun, before a login for it; CKR_OPERATION_NOT_INITIALIZED if that is nothing. */
CK_RV operations_begin(struct session *s);
/* Ends the operation, if there is one; the session is locked. */
void operation_cancel(struct session *s, enum kind kind);

#endif
