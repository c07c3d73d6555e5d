/*
 * PKCS #11 as C sees it: versions 2.40, 3.0, 3.1 and 3.2 of the interface.
 *
 * The facts are those of "PKCS #11 Specification Version 3.2" (OASIS). Constants are the ones that a token with RSA, elliptic curve
 * and AES keys meets. Functions stand in three lists, in the order of the standard: declarations, members of the function lists, and
 * whatever table a program needs are made from them. 3.1 has the functions of 3.0.
 */
#ifndef CRYPTOKI_H
#define CRYPTOKI_H

#include <stddef.h>

/* Basic types */

typedef unsigned char CK_BYTE;
typedef CK_BYTE CK_BBOOL;
typedef CK_BYTE CK_CHAR;
typedef CK_BYTE CK_UTF8CHAR;
typedef unsigned long CK_ULONG;

/* The agent's messages hold 64 bits for each of them, and so does every structure here. */
_Static_assert(sizeof(CK_ULONG) == 8 && sizeof(void *) == 8, "a system of 64 bits whose long has 64 bits, too");

typedef CK_ULONG CK_RV, CK_FLAGS, CK_STATE, CK_SLOT_ID, CK_USER_TYPE, CK_NOTIFICATION;
typedef CK_ULONG CK_SESSION_HANDLE, CK_OBJECT_HANDLE, CK_OBJECT_CLASS, CK_KEY_TYPE, CK_CERTIFICATE_TYPE, CK_PROFILE_ID;
typedef CK_ULONG CK_ATTRIBUTE_TYPE, CK_MECHANISM_TYPE, CK_GENERATOR_FUNCTION, CK_SESSION_VALIDATION_FLAGS_TYPE;
typedef CK_ULONG CK_RSA_PKCS_MGF_TYPE, CK_RSA_PKCS_OAEP_SOURCE_TYPE, CK_EC_KDF_TYPE;

/* Structures */

typedef struct {
	CK_BYTE major, minor;
} CK_VERSION;

typedef struct {
	CK_VERSION cryptokiVersion;
	CK_UTF8CHAR manufacturerID[32];
	CK_FLAGS flags;
	CK_UTF8CHAR libraryDescription[32];
	CK_VERSION libraryVersion;
} CK_INFO;

typedef struct {
	CK_UTF8CHAR slotDescription[64];
	CK_UTF8CHAR manufacturerID[32];
	CK_FLAGS flags;
	CK_VERSION hardwareVersion, firmwareVersion;
} CK_SLOT_INFO;

typedef struct {
	CK_UTF8CHAR label[32];
	CK_UTF8CHAR manufacturerID[32];
	CK_UTF8CHAR model[16];
	CK_CHAR serialNumber[16];
	CK_FLAGS flags;
	CK_ULONG ulMaxSessionCount, ulSessionCount, ulMaxRwSessionCount, ulRwSessionCount;
	CK_ULONG ulMaxPinLen, ulMinPinLen;
	CK_ULONG ulTotalPublicMemory, ulFreePublicMemory, ulTotalPrivateMemory, ulFreePrivateMemory;
	CK_VERSION hardwareVersion, firmwareVersion;
	CK_CHAR utcTime[16];
} CK_TOKEN_INFO;

typedef struct {
	CK_SLOT_ID slotID;
	CK_STATE state;
	CK_FLAGS flags;
	CK_ULONG ulDeviceError;
} CK_SESSION_INFO;

typedef struct {
	CK_ATTRIBUTE_TYPE type;
	void *pValue;
	CK_ULONG ulValueLen;
} CK_ATTRIBUTE;

typedef struct {
	CK_CHAR year[4], month[2], day[2];
} CK_DATE;

typedef struct {
	CK_MECHANISM_TYPE mechanism;
	void *pParameter;
	CK_ULONG ulParameterLen;
} CK_MECHANISM;

typedef struct {
	CK_ULONG ulMinKeySize, ulMaxKeySize;
	CK_FLAGS flags;
} CK_MECHANISM_INFO;

typedef CK_RV (*CK_NOTIFY)(CK_SESSION_HANDLE session, CK_NOTIFICATION event, void *application);

typedef struct {
	CK_RV (*CreateMutex)(void **mutex);
	CK_RV (*DestroyMutex)(void *mutex);
	CK_RV (*LockMutex)(void *mutex);
	CK_RV (*UnlockMutex)(void *mutex);
	CK_FLAGS flags;
	void *pReserved;
} CK_C_INITIALIZE_ARGS;

typedef struct {
	CK_UTF8CHAR *pInterfaceName;
	void *pFunctionList;
	CK_FLAGS flags;
} CK_INTERFACE;

typedef struct {
	CK_ULONG ulVersion;
	CK_BYTE *pValue;
	CK_ULONG ulValue;
	CK_OBJECT_HANDLE hObject, hAdditionalObject;
} CK_ASYNC_DATA;

/* Parameters of mechanisms */

typedef struct {
	CK_MECHANISM_TYPE hashAlg;
	CK_RSA_PKCS_MGF_TYPE mgf;
	CK_ULONG sLen;
} CK_RSA_PKCS_PSS_PARAMS;

typedef struct {
	CK_MECHANISM_TYPE hashAlg;
	CK_RSA_PKCS_MGF_TYPE mgf;
	CK_RSA_PKCS_OAEP_SOURCE_TYPE source;
	void *pSourceData;
	CK_ULONG ulSourceDataLen;
} CK_RSA_PKCS_OAEP_PARAMS;

typedef struct {
	CK_EC_KDF_TYPE kdf;
	CK_ULONG ulSharedDataLen;
	CK_BYTE *pSharedData;
	CK_ULONG ulPublicDataLen;
	CK_BYTE *pPublicData;
} CK_ECDH1_DERIVE_PARAMS;

typedef struct {
	CK_BBOOL phFlag;
	CK_ULONG ulContextDataLen;
	CK_BYTE *pContextData;
} CK_EDDSA_PARAMS;

typedef struct {
	CK_BYTE *pIv;
	CK_ULONG ulIvLen, ulIvBits;
	CK_BYTE *pAAD;
	CK_ULONG ulAADLen, ulTagBits;
} CK_GCM_PARAMS;

typedef struct {
	CK_BYTE *pIv;
	CK_ULONG ulIvLen, ulIvFixedBits;
	CK_GENERATOR_FUNCTION ivGenerator;
	CK_BYTE *pTag;
	CK_ULONG ulTagBits;
} CK_GCM_MESSAGE_PARAMS;

typedef struct {
	CK_ULONG ulDataLen;
	CK_BYTE *pNonce;
	CK_ULONG ulNonceLen;
	CK_BYTE *pAAD;
	CK_ULONG ulAADLen, ulMACLen;
} CK_CCM_PARAMS;

typedef struct {
	CK_ULONG ulCounterBits;
	CK_BYTE cb[16];
} CK_AES_CTR_PARAMS;

typedef struct {
	CK_BYTE iv[16];
	CK_BYTE *pData;
	CK_ULONG length;
} CK_AES_CBC_ENCRYPT_DATA_PARAMS;

typedef struct {
	CK_BYTE *pData;
	CK_ULONG ulLen;
} CK_KEY_DERIVATION_STRING_DATA;

typedef struct {
	CK_BBOOL bExtract, bExpand;
	CK_MECHANISM_TYPE prfHashMechanism;
	CK_ULONG ulSaltType;
	CK_BYTE *pSalt;
	CK_ULONG ulSaltLen;
	CK_OBJECT_HANDLE hSaltKey;
	CK_BYTE *pInfo;
	CK_ULONG ulInfoLen;
} CK_HKDF_PARAMS;

typedef struct {
	CK_ULONG ulAESKeyBits;
	CK_RSA_PKCS_OAEP_PARAMS *pOAEPParams;
} CK_RSA_AES_KEY_WRAP_PARAMS;

typedef struct {
	CK_ULONG ulAESKeyBits;
	CK_EC_KDF_TYPE kdf;
	CK_ULONG ulSharedDataLen;
	CK_BYTE *pSharedData;
} CK_ECDH_AES_KEY_WRAP_PARAMS;

/* Functions */

typedef struct CK_FUNCTION_LIST CK_FUNCTION_LIST;
typedef struct CK_FUNCTION_LIST_3_0 CK_FUNCTION_LIST_3_0;
typedef struct CK_FUNCTION_LIST_3_2 CK_FUNCTION_LIST_3_2;

#define CK_FUNCTIONS_2_40(X) \
	X(C_Initialize, (void *arguments)) \
	X(C_Finalize, (void *reserved)) \
	X(C_GetInfo, (CK_INFO *info)) \
	X(C_GetFunctionList, (CK_FUNCTION_LIST **functions)) \
	X(C_GetSlotList, (CK_BBOOL tokenPresent, CK_SLOT_ID *slots, CK_ULONG *count)) \
	X(C_GetSlotInfo, (CK_SLOT_ID slot, CK_SLOT_INFO *info)) \
	X(C_GetTokenInfo, (CK_SLOT_ID slot, CK_TOKEN_INFO *info)) \
	X(C_GetMechanismList, (CK_SLOT_ID slot, CK_MECHANISM_TYPE *mechanisms, CK_ULONG *count)) \
	X(C_GetMechanismInfo, (CK_SLOT_ID slot, CK_MECHANISM_TYPE mechanism, CK_MECHANISM_INFO *info)) \
	X(C_InitToken, (CK_SLOT_ID slot, CK_UTF8CHAR *pin, CK_ULONG pinLen, CK_UTF8CHAR *label)) \
	X(C_InitPIN, (CK_SESSION_HANDLE session, CK_UTF8CHAR *pin, CK_ULONG pinLen)) \
	X(C_SetPIN, (CK_SESSION_HANDLE session, CK_UTF8CHAR *old, CK_ULONG oldLen, CK_UTF8CHAR *pin, CK_ULONG pinLen)) \
	X(C_OpenSession, (CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify, CK_SESSION_HANDLE *session)) \
	X(C_CloseSession, (CK_SESSION_HANDLE session)) \
	X(C_CloseAllSessions, (CK_SLOT_ID slot)) \
	X(C_GetSessionInfo, (CK_SESSION_HANDLE session, CK_SESSION_INFO *info)) \
	X(C_GetOperationState, (CK_SESSION_HANDLE session, CK_BYTE *state, CK_ULONG *stateLen)) \
	X(C_SetOperationState, (CK_SESSION_HANDLE session, CK_BYTE *state, CK_ULONG stateLen, CK_OBJECT_HANDLE encryptionKey, \
		CK_OBJECT_HANDLE authenticationKey)) \
	X(C_Login, (CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG pinLen)) \
	X(C_Logout, (CK_SESSION_HANDLE session)) \
	X(C_CreateObject, (CK_SESSION_HANDLE session, CK_ATTRIBUTE *attributes, CK_ULONG count, CK_OBJECT_HANDLE *made)) \
	X(C_CopyObject, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attributes, CK_ULONG count, \
		CK_OBJECT_HANDLE *made)) \
	X(C_DestroyObject, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)) \
	X(C_GetObjectSize, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ULONG *size)) \
	X(C_GetAttributeValue, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attributes, CK_ULONG count)) \
	X(C_SetAttributeValue, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attributes, CK_ULONG count)) \
	X(C_FindObjectsInit, (CK_SESSION_HANDLE session, CK_ATTRIBUTE *attributes, CK_ULONG count)) \
	X(C_FindObjects, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *objects, CK_ULONG max, CK_ULONG *count)) \
	X(C_FindObjectsFinal, (CK_SESSION_HANDLE session)) \
	X(C_EncryptInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)) \
	X(C_Encrypt, (CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG dataLen, CK_BYTE *encrypted, CK_ULONG *encryptedLen)) \
	X(C_EncryptUpdate, (CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG partLen, CK_BYTE *encrypted, \
		CK_ULONG *encryptedLen)) \
	X(C_EncryptFinal, (CK_SESSION_HANDLE session, CK_BYTE *encrypted, CK_ULONG *encryptedLen)) \
	X(C_DecryptInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)) \
	X(C_Decrypt, (CK_SESSION_HANDLE session, CK_BYTE *encrypted, CK_ULONG encryptedLen, CK_BYTE *data, CK_ULONG *dataLen)) \
	X(C_DecryptUpdate, (CK_SESSION_HANDLE session, CK_BYTE *encrypted, CK_ULONG encryptedLen, CK_BYTE *part, \
		CK_ULONG *partLen)) \
	X(C_DecryptFinal, (CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG *partLen)) \
	X(C_DigestInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism)) \
	X(C_Digest, (CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG dataLen, CK_BYTE *digest, CK_ULONG *digestLen)) \
	X(C_DigestUpdate, (CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG partLen)) \
	X(C_DigestKey, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)) \
	X(C_DigestFinal, (CK_SESSION_HANDLE session, CK_BYTE *digest, CK_ULONG *digestLen)) \
	X(C_SignInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)) \
	X(C_Sign, (CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG dataLen, CK_BYTE *signature, CK_ULONG *signatureLen)) \
	X(C_SignUpdate, (CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG partLen)) \
	X(C_SignFinal, (CK_SESSION_HANDLE session, CK_BYTE *signature, CK_ULONG *signatureLen)) \
	X(C_SignRecoverInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)) \
	X(C_SignRecover, (CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG dataLen, CK_BYTE *signature, \
		CK_ULONG *signatureLen)) \
	X(C_VerifyInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)) \
	X(C_Verify, (CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG dataLen, CK_BYTE *signature, CK_ULONG signatureLen)) \
	X(C_VerifyUpdate, (CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG partLen)) \
	X(C_VerifyFinal, (CK_SESSION_HANDLE session, CK_BYTE *signature, CK_ULONG signatureLen)) \
	X(C_VerifyRecoverInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)) \
	X(C_VerifyRecover, (CK_SESSION_HANDLE session, CK_BYTE *signature, CK_ULONG signatureLen, CK_BYTE *data, \
		CK_ULONG *dataLen)) \
	X(C_DigestEncryptUpdate, (CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG partLen, CK_BYTE *encrypted, \
		CK_ULONG *encryptedLen)) \
	X(C_DecryptDigestUpdate, (CK_SESSION_HANDLE session, CK_BYTE *encrypted, CK_ULONG encryptedLen, CK_BYTE *part, \
		CK_ULONG *partLen)) \
	X(C_SignEncryptUpdate, (CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG partLen, CK_BYTE *encrypted, \
		CK_ULONG *encryptedLen)) \
	X(C_DecryptVerifyUpdate, (CK_SESSION_HANDLE session, CK_BYTE *encrypted, CK_ULONG encryptedLen, CK_BYTE *part, \
		CK_ULONG *partLen)) \
	X(C_GenerateKey, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *attributes, CK_ULONG count, \
		CK_OBJECT_HANDLE *made)) \
	X(C_GenerateKeyPair, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *publicAttributes, \
		CK_ULONG publicCount, CK_ATTRIBUTE *privateAttributes, CK_ULONG privateCount, CK_OBJECT_HANDLE *publicKey, \
		CK_OBJECT_HANDLE *privateKey)) \
	X(C_WrapKey, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE wrappingKey, CK_OBJECT_HANDLE key, \
		CK_BYTE *wrapped, CK_ULONG *wrappedLen)) \
	X(C_UnwrapKey, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE unwrappingKey, CK_BYTE *wrapped, \
		CK_ULONG wrappedLen, CK_ATTRIBUTE *attributes, CK_ULONG count, CK_OBJECT_HANDLE *made)) \
	X(C_DeriveKey, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE baseKey, CK_ATTRIBUTE *attributes, \
		CK_ULONG count, CK_OBJECT_HANDLE *made)) \
	X(C_SeedRandom, (CK_SESSION_HANDLE session, CK_BYTE *seed, CK_ULONG seedLen)) \
	X(C_GenerateRandom, (CK_SESSION_HANDLE session, CK_BYTE *random, CK_ULONG randomLen)) \
	X(C_GetFunctionStatus, (CK_SESSION_HANDLE session)) \
	X(C_CancelFunction, (CK_SESSION_HANDLE session)) \
	X(C_WaitForSlotEvent, (CK_FLAGS flags, CK_SLOT_ID *slot, void *reserved))

#define CK_FUNCTIONS_3_0(X) \
	X(C_GetInterfaceList, (CK_INTERFACE *interfaces, CK_ULONG *count)) \
	X(C_GetInterface, (CK_UTF8CHAR *name, CK_VERSION *version, CK_INTERFACE **interface, CK_FLAGS flags)) \
	X(C_LoginUser, (CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG pinLen, CK_UTF8CHAR *name, \
		CK_ULONG nameLen)) \
	X(C_SessionCancel, (CK_SESSION_HANDLE session, CK_FLAGS flags)) \
	X(C_MessageEncryptInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)) \
	X(C_EncryptMessage, (CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameterLen, CK_BYTE *associated, \
		CK_ULONG associatedLen, CK_BYTE *plain, CK_ULONG plainLen, CK_BYTE *encrypted, CK_ULONG *encryptedLen)) \
	X(C_EncryptMessageBegin, (CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameterLen, CK_BYTE *associated, \
		CK_ULONG associatedLen)) \
	X(C_EncryptMessageNext, (CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameterLen, CK_BYTE *plain, \
		CK_ULONG plainLen, CK_BYTE *encrypted, CK_ULONG *encryptedLen, CK_FLAGS flags)) \
	X(C_MessageEncryptFinal, (CK_SESSION_HANDLE session)) \
	X(C_MessageDecryptInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)) \
	X(C_DecryptMessage, (CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameterLen, CK_BYTE *associated, \
		CK_ULONG associatedLen, CK_BYTE *encrypted, CK_ULONG encryptedLen, CK_BYTE *plain, CK_ULONG *plainLen)) \
	X(C_DecryptMessageBegin, (CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameterLen, CK_BYTE *associated, \
		CK_ULONG associatedLen)) \
	X(C_DecryptMessageNext, (CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameterLen, CK_BYTE *encrypted, \
		CK_ULONG encryptedLen, CK_BYTE *plain, CK_ULONG *plainLen, CK_FLAGS flags)) \
	X(C_MessageDecryptFinal, (CK_SESSION_HANDLE session)) \
	X(C_MessageSignInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)) \
	X(C_SignMessage, (CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameterLen, CK_BYTE *data, CK_ULONG dataLen, \
		CK_BYTE *signature, CK_ULONG *signatureLen)) \
	X(C_SignMessageBegin, (CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameterLen)) \
	X(C_SignMessageNext, (CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameterLen, CK_BYTE *data, \
		CK_ULONG dataLen, CK_BYTE *signature, CK_ULONG *signatureLen)) \
	X(C_MessageSignFinal, (CK_SESSION_HANDLE session)) \
	X(C_MessageVerifyInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)) \
	X(C_VerifyMessage, (CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameterLen, CK_BYTE *data, CK_ULONG dataLen, \
		CK_BYTE *signature, CK_ULONG signatureLen)) \
	X(C_VerifyMessageBegin, (CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameterLen)) \
	X(C_VerifyMessageNext, (CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameterLen, CK_BYTE *data, \
		CK_ULONG dataLen, CK_BYTE *signature, CK_ULONG signatureLen)) \
	X(C_MessageVerifyFinal, (CK_SESSION_HANDLE session))

#define CK_FUNCTIONS_3_2(X) \
	X(C_EncapsulateKey, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE publicKey, \
		CK_ATTRIBUTE *attributes, CK_ULONG count, CK_BYTE *encapsulated, CK_ULONG *encapsulatedLen, CK_OBJECT_HANDLE *made)) \
	X(C_DecapsulateKey, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE privateKey, \
		CK_ATTRIBUTE *attributes, CK_ULONG count, CK_BYTE *encapsulated, CK_ULONG encapsulatedLen, CK_OBJECT_HANDLE *made)) \
	X(C_VerifySignatureInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, CK_BYTE *signature, \
		CK_ULONG signatureLen)) \
	X(C_VerifySignature, (CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG dataLen)) \
	X(C_VerifySignatureUpdate, (CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG partLen)) \
	X(C_VerifySignatureFinal, (CK_SESSION_HANDLE session)) \
	X(C_GetSessionValidationFlags, (CK_SESSION_HANDLE session, CK_SESSION_VALIDATION_FLAGS_TYPE type, CK_FLAGS *flags)) \
	X(C_AsyncComplete, (CK_SESSION_HANDLE session, CK_UTF8CHAR *function, CK_ASYNC_DATA *result)) \
	X(C_AsyncGetID, (CK_SESSION_HANDLE session, CK_UTF8CHAR *function, CK_ULONG *id)) \
	X(C_AsyncJoin, (CK_SESSION_HANDLE session, CK_UTF8CHAR *function, CK_ULONG id, CK_BYTE *data, CK_ULONG dataLen)) \
	X(C_WrapKeyAuthenticated, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE wrappingKey, \
		CK_OBJECT_HANDLE key, CK_BYTE *associated, CK_ULONG associatedLen, CK_BYTE *wrapped, CK_ULONG *wrappedLen)) \
	X(C_UnwrapKeyAuthenticated, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE unwrappingKey, \
		CK_BYTE *wrapped, CK_ULONG wrappedLen, CK_ATTRIBUTE *attributes, CK_ULONG count, CK_BYTE *associated, \
		CK_ULONG associatedLen, CK_OBJECT_HANDLE *made))

/* What a list is made into: a declaration, the member of a function list, and what fills it. */
#define CK_DECLARE(name, parameters) CK_RV name parameters;
#define CK_MEMBER(name, parameters) CK_RV (*name) parameters;
#define CK_FILL(name, parameters) .name = name,

CK_FUNCTIONS_2_40(CK_DECLARE)
CK_FUNCTIONS_3_0(CK_DECLARE)
CK_FUNCTIONS_3_2(CK_DECLARE)

struct CK_FUNCTION_LIST {
	CK_VERSION version;
	CK_FUNCTIONS_2_40(CK_MEMBER)
};

struct CK_FUNCTION_LIST_3_0 {
	CK_VERSION version;
	CK_FUNCTIONS_2_40(CK_MEMBER)
	CK_FUNCTIONS_3_0(CK_MEMBER)
};

struct CK_FUNCTION_LIST_3_2 {
	CK_VERSION version;
	CK_FUNCTIONS_2_40(CK_MEMBER)
	CK_FUNCTIONS_3_0(CK_MEMBER)
	CK_FUNCTIONS_3_2(CK_MEMBER)
};

/* Values with a meaning of their own */
#define CK_TRUE 1
#define CK_FALSE 0
#define CK_INVALID_HANDLE 0UL
#define CK_EFFECTIVELY_INFINITE 0UL
#define CK_UNAVAILABLE_INFORMATION (~0UL)

/* Return values */
#define CKR_OK 0x00UL
#define CKR_CANCEL 0x01UL
#define CKR_HOST_MEMORY 0x02UL
#define CKR_SLOT_ID_INVALID 0x03UL
#define CKR_GENERAL_ERROR 0x05UL
#define CKR_FUNCTION_FAILED 0x06UL
#define CKR_ARGUMENTS_BAD 0x07UL
#define CKR_NO_EVENT 0x08UL
#define CKR_NEED_TO_CREATE_THREADS 0x09UL
#define CKR_CANT_LOCK 0x0AUL
#define CKR_ATTRIBUTE_READ_ONLY 0x10UL
#define CKR_ATTRIBUTE_SENSITIVE 0x11UL
#define CKR_ATTRIBUTE_TYPE_INVALID 0x12UL
#define CKR_ATTRIBUTE_VALUE_INVALID 0x13UL
#define CKR_ACTION_PROHIBITED 0x1BUL
#define CKR_DATA_INVALID 0x20UL
#define CKR_DATA_LEN_RANGE 0x21UL
#define CKR_DEVICE_ERROR 0x30UL
#define CKR_DEVICE_MEMORY 0x31UL
#define CKR_DEVICE_REMOVED 0x32UL
#define CKR_ENCRYPTED_DATA_INVALID 0x40UL
#define CKR_ENCRYPTED_DATA_LEN_RANGE 0x41UL
#define CKR_AEAD_DECRYPT_FAILED 0x42UL
#define CKR_FUNCTION_CANCELED 0x50UL
#define CKR_FUNCTION_NOT_PARALLEL 0x51UL
#define CKR_FUNCTION_NOT_SUPPORTED 0x54UL
#define CKR_KEY_HANDLE_INVALID 0x60UL
#define CKR_KEY_SIZE_RANGE 0x62UL
#define CKR_KEY_TYPE_INCONSISTENT 0x63UL
#define CKR_KEY_NOT_NEEDED 0x64UL
#define CKR_KEY_CHANGED 0x65UL
#define CKR_KEY_NEEDED 0x66UL
#define CKR_KEY_INDIGESTIBLE 0x67UL
#define CKR_KEY_FUNCTION_NOT_PERMITTED 0x68UL
#define CKR_KEY_NOT_WRAPPABLE 0x69UL
#define CKR_KEY_UNEXTRACTABLE 0x6AUL
#define CKR_MECHANISM_INVALID 0x70UL
#define CKR_MECHANISM_PARAM_INVALID 0x71UL
#define CKR_OBJECT_HANDLE_INVALID 0x82UL
#define CKR_OPERATION_ACTIVE 0x90UL
#define CKR_OPERATION_NOT_INITIALIZED 0x91UL
#define CKR_PIN_INCORRECT 0xA0UL
#define CKR_PIN_INVALID 0xA1UL
#define CKR_PIN_LEN_RANGE 0xA2UL
#define CKR_PIN_EXPIRED 0xA3UL
#define CKR_PIN_LOCKED 0xA4UL
#define CKR_SESSION_CLOSED 0xB0UL
#define CKR_SESSION_COUNT 0xB1UL
#define CKR_SESSION_HANDLE_INVALID 0xB3UL
#define CKR_SESSION_PARALLEL_NOT_SUPPORTED 0xB4UL
#define CKR_SESSION_READ_ONLY 0xB5UL
#define CKR_SESSION_EXISTS 0xB6UL
#define CKR_SESSION_READ_ONLY_EXISTS 0xB7UL
#define CKR_SESSION_READ_WRITE_SO_EXISTS 0xB8UL
#define CKR_SIGNATURE_INVALID 0xC0UL
#define CKR_SIGNATURE_LEN_RANGE 0xC1UL
#define CKR_TEMPLATE_INCOMPLETE 0xD0UL
#define CKR_TEMPLATE_INCONSISTENT 0xD1UL
#define CKR_TOKEN_NOT_PRESENT 0xE0UL
#define CKR_TOKEN_NOT_RECOGNIZED 0xE1UL
#define CKR_TOKEN_WRITE_PROTECTED 0xE2UL
#define CKR_UNWRAPPING_KEY_HANDLE_INVALID 0xF0UL
#define CKR_UNWRAPPING_KEY_SIZE_RANGE 0xF1UL
#define CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT 0xF2UL
#define CKR_USER_ALREADY_LOGGED_IN 0x100UL
#define CKR_USER_NOT_LOGGED_IN 0x101UL
#define CKR_USER_PIN_NOT_INITIALIZED 0x102UL
#define CKR_USER_TYPE_INVALID 0x103UL
#define CKR_USER_ANOTHER_ALREADY_LOGGED_IN 0x104UL
#define CKR_USER_TOO_MANY_TYPES 0x105UL
#define CKR_WRAPPED_KEY_INVALID 0x110UL
#define CKR_WRAPPED_KEY_LEN_RANGE 0x112UL
#define CKR_WRAPPING_KEY_HANDLE_INVALID 0x113UL
#define CKR_WRAPPING_KEY_SIZE_RANGE 0x114UL
#define CKR_WRAPPING_KEY_TYPE_INCONSISTENT 0x115UL
#define CKR_RANDOM_SEED_NOT_SUPPORTED 0x120UL
#define CKR_RANDOM_NO_RNG 0x121UL
#define CKR_DOMAIN_PARAMS_INVALID 0x130UL
#define CKR_CURVE_NOT_SUPPORTED 0x140UL
#define CKR_BUFFER_TOO_SMALL 0x150UL
#define CKR_SAVED_STATE_INVALID 0x160UL
#define CKR_INFORMATION_SENSITIVE 0x170UL
#define CKR_STATE_UNSAVEABLE 0x180UL
#define CKR_CRYPTOKI_NOT_INITIALIZED 0x190UL
#define CKR_CRYPTOKI_ALREADY_INITIALIZED 0x191UL
#define CKR_MUTEX_BAD 0x1A0UL
#define CKR_MUTEX_NOT_LOCKED 0x1A1UL
#define CKR_NEW_PIN_MODE 0x1B0UL
#define CKR_NEXT_OTP 0x1B1UL
#define CKR_EXCEEDED_MAX_ITERATIONS 0x1B5UL
#define CKR_FIPS_SELF_TEST_FAILED 0x1B6UL
#define CKR_LIBRARY_LOAD_FAILED 0x1B7UL
#define CKR_PIN_TOO_WEAK 0x1B8UL
#define CKR_PUBLIC_KEY_INVALID 0x1B9UL
#define CKR_FUNCTION_REJECTED 0x200UL
#define CKR_TOKEN_RESOURCE_EXCEEDED 0x201UL
#define CKR_OPERATION_CANCEL_FAILED 0x202UL
#define CKR_KEY_EXHAUSTED 0x203UL
#define CKR_PENDING 0x204UL
#define CKR_SESSION_ASYNC_NOT_SUPPORTED 0x205UL
#define CKR_SEED_RANDOM_REQUIRED 0x206UL
#define CKR_OPERATION_NOT_VALIDATED 0x207UL
#define CKR_TOKEN_NOT_INITIALIZED 0x208UL
#define CKR_PARAMETER_SET_NOT_SUPPORTED 0x209UL
#define CKR_VENDOR_DEFINED 0x80000000UL

/* Users, and states of a session */
#define CKU_SO 0UL
#define CKU_USER 1UL
#define CKU_CONTEXT_SPECIFIC 2UL
#define CKS_RO_PUBLIC_SESSION 0UL
#define CKS_RO_USER_FUNCTIONS 1UL
#define CKS_RW_PUBLIC_SESSION 2UL
#define CKS_RW_USER_FUNCTIONS 3UL
#define CKS_RW_SO_FUNCTIONS 4UL
#define CKS_LAST_VALIDATION_OK 0x01UL
#define CKN_SURRENDER 0UL

/* Flags: of C_Initialize, an interface, C_WaitForSlotEvent, a message, a session, a slot */
#define CKF_LIBRARY_CANT_CREATE_OS_THREADS 0x01UL
#define CKF_OS_LOCKING_OK 0x02UL
#define CKF_INTERFACE_FORK_SAFE 0x01UL
#define CKF_DONT_BLOCK 1UL
#define CKF_END_OF_MESSAGE 0x01UL
#define CKF_RW_SESSION 0x02UL
#define CKF_SERIAL_SESSION 0x04UL
#define CKF_ASYNC_SESSION 0x08UL
#define CKF_TOKEN_PRESENT 0x01UL
#define CKF_REMOVABLE_DEVICE 0x02UL
#define CKF_HW_SLOT 0x04UL

/* Flags of a token */
#define CKF_RNG 0x01UL
#define CKF_WRITE_PROTECTED 0x02UL
#define CKF_LOGIN_REQUIRED 0x04UL
#define CKF_USER_PIN_INITIALIZED 0x08UL
#define CKF_RESTORE_KEY_NOT_NEEDED 0x20UL
#define CKF_CLOCK_ON_TOKEN 0x40UL
#define CKF_PROTECTED_AUTHENTICATION_PATH 0x100UL
#define CKF_DUAL_CRYPTO_OPERATIONS 0x200UL
#define CKF_TOKEN_INITIALIZED 0x400UL
#define CKF_SECONDARY_AUTHENTICATION 0x800UL
#define CKF_USER_PIN_COUNT_LOW 0x10000UL
#define CKF_USER_PIN_FINAL_TRY 0x20000UL
#define CKF_USER_PIN_LOCKED 0x40000UL
#define CKF_USER_PIN_TO_BE_CHANGED 0x80000UL
#define CKF_SO_PIN_COUNT_LOW 0x100000UL
#define CKF_SO_PIN_FINAL_TRY 0x200000UL
#define CKF_SO_PIN_LOCKED 0x400000UL
#define CKF_SO_PIN_TO_BE_CHANGED 0x800000UL
#define CKF_ERROR_STATE 0x1000000UL
#define CKF_SEED_RANDOM_REQUIRED 0x2000000UL
#define CKF_ASYNC_SESSION_SUPPORTED 0x4000000UL

/* Flags of a mechanism; the first ones are those of C_SessionCancel, too */
#define CKF_HW 0x01UL
#define CKF_MESSAGE_ENCRYPT 0x02UL
#define CKF_MESSAGE_DECRYPT 0x04UL
#define CKF_MESSAGE_SIGN 0x08UL
#define CKF_MESSAGE_VERIFY 0x10UL
#define CKF_MULTI_MESSAGE 0x20UL
#define CKF_FIND_OBJECTS 0x40UL
#define CKF_ENCRYPT 0x100UL
#define CKF_DECRYPT 0x200UL
#define CKF_DIGEST 0x400UL
#define CKF_SIGN 0x800UL
#define CKF_SIGN_RECOVER 0x1000UL
#define CKF_VERIFY 0x2000UL
#define CKF_VERIFY_RECOVER 0x4000UL
#define CKF_GENERATE 0x8000UL
#define CKF_GENERATE_KEY_PAIR 0x10000UL
#define CKF_WRAP 0x20000UL
#define CKF_UNWRAP 0x40000UL
#define CKF_DERIVE 0x80000UL
#define CKF_EC_F_P 0x100000UL
#define CKF_EC_F_2M 0x200000UL
#define CKF_EC_ECPARAMETERS 0x400000UL
#define CKF_EC_OID 0x800000UL
#define CKF_EC_UNCOMPRESS 0x1000000UL
#define CKF_EC_COMPRESS 0x2000000UL
#define CKF_EC_CURVENAME 0x4000000UL
#define CKF_ENCAPSULATE 0x10000000UL
#define CKF_DECAPSULATE 0x20000000UL
#define CKF_EXTENSION 0x80000000UL

/* Classes of objects, profiles, kinds of certificates */
#define CKO_DATA 0x00UL
#define CKO_CERTIFICATE 0x01UL
#define CKO_PUBLIC_KEY 0x02UL
#define CKO_PRIVATE_KEY 0x03UL
#define CKO_SECRET_KEY 0x04UL
#define CKO_HW_FEATURE 0x05UL
#define CKO_DOMAIN_PARAMETERS 0x06UL
#define CKO_MECHANISM 0x07UL
#define CKO_OTP_KEY 0x08UL
#define CKO_PROFILE 0x09UL
#define CKO_VALIDATION 0x0AUL
#define CKO_TRUST 0x0BUL
#define CKO_VENDOR_DEFINED 0x80000000UL
#define CKP_INVALID_ID 0x00UL
#define CKP_BASELINE_PROVIDER 0x01UL
#define CKP_EXTENDED_PROVIDER 0x02UL
#define CKP_AUTHENTICATION_TOKEN 0x03UL
#define CKP_PUBLIC_CERTIFICATES_TOKEN 0x04UL
#define CKP_COMPLETE_PROVIDER 0x05UL
#define CKP_HKDF_TLS_TOKEN 0x06UL
#define CKP_VENDOR_DEFINED 0x80000000UL
#define CKC_X_509 0x00UL
#define CKC_X_509_ATTR_CERT 0x01UL
#define CKC_WTLS 0x02UL
#define CKC_VENDOR_DEFINED 0x80000000UL
#define CK_CERTIFICATE_CATEGORY_UNSPECIFIED 0UL
#define CK_CERTIFICATE_CATEGORY_TOKEN_USER 1UL
#define CK_CERTIFICATE_CATEGORY_AUTHORITY 2UL
#define CK_CERTIFICATE_CATEGORY_OTHER_ENTITY 3UL

/* Types of keys */
#define CKK_RSA 0x00UL
#define CKK_DSA 0x01UL
#define CKK_DH 0x02UL
#define CKK_EC 0x03UL
#define CKK_GENERIC_SECRET 0x10UL
#define CKK_DES3 0x15UL
#define CKK_AES 0x1FUL
#define CKK_SHA_1_HMAC 0x28UL
#define CKK_SHA256_HMAC 0x2BUL
#define CKK_SHA384_HMAC 0x2CUL
#define CKK_SHA512_HMAC 0x2DUL
#define CKK_SHA224_HMAC 0x2EUL
#define CKK_SHA3_224_HMAC 0x36UL
#define CKK_SHA3_256_HMAC 0x37UL
#define CKK_SHA3_384_HMAC 0x38UL
#define CKK_SHA3_512_HMAC 0x39UL
#define CKK_SHA512_224_HMAC 0x43UL
#define CKK_SHA512_256_HMAC 0x44UL
#define CKK_SHA512_T_HMAC 0x45UL
#define CKK_EC_EDWARDS 0x40UL
#define CKK_EC_MONTGOMERY 0x41UL
#define CKK_HKDF 0x42UL
#define CKK_VENDOR_DEFINED 0x80000000UL

/* Attributes */
#define CKA_CLASS 0x00UL
#define CKA_TOKEN 0x01UL
#define CKA_PRIVATE 0x02UL
#define CKA_LABEL 0x03UL
#define CKA_UNIQUE_ID 0x04UL
#define CKA_APPLICATION 0x10UL
#define CKA_VALUE 0x11UL
#define CKA_OBJECT_ID 0x12UL
#define CKA_CERTIFICATE_TYPE 0x80UL
#define CKA_ISSUER 0x81UL
#define CKA_SERIAL_NUMBER 0x82UL
#define CKA_AC_ISSUER 0x83UL
#define CKA_OWNER 0x84UL
#define CKA_ATTR_TYPES 0x85UL
#define CKA_TRUSTED 0x86UL
#define CKA_CERTIFICATE_CATEGORY 0x87UL
#define CKA_URL 0x89UL
#define CKA_HASH_OF_SUBJECT_PUBLIC_KEY 0x8AUL
#define CKA_HASH_OF_ISSUER_PUBLIC_KEY 0x8BUL
#define CKA_NAME_HASH_ALGORITHM 0x8CUL
#define CKA_CHECK_VALUE 0x90UL
#define CKA_KEY_TYPE 0x100UL
#define CKA_SUBJECT 0x101UL
#define CKA_ID 0x102UL
#define CKA_SENSITIVE 0x103UL
#define CKA_ENCRYPT 0x104UL
#define CKA_DECRYPT 0x105UL
#define CKA_WRAP 0x106UL
#define CKA_UNWRAP 0x107UL
#define CKA_SIGN 0x108UL
#define CKA_SIGN_RECOVER 0x109UL
#define CKA_VERIFY 0x10AUL
#define CKA_VERIFY_RECOVER 0x10BUL
#define CKA_DERIVE 0x10CUL
#define CKA_START_DATE 0x110UL
#define CKA_END_DATE 0x111UL
#define CKA_MODULUS 0x120UL
#define CKA_MODULUS_BITS 0x121UL
#define CKA_PUBLIC_EXPONENT 0x122UL
#define CKA_PRIVATE_EXPONENT 0x123UL
#define CKA_PRIME_1 0x124UL
#define CKA_PRIME_2 0x125UL
#define CKA_EXPONENT_1 0x126UL
#define CKA_EXPONENT_2 0x127UL
#define CKA_COEFFICIENT 0x128UL
#define CKA_PUBLIC_KEY_INFO 0x129UL
#define CKA_PRIME 0x130UL
#define CKA_SUBPRIME 0x131UL
#define CKA_BASE 0x132UL
#define CKA_PRIME_BITS 0x133UL
#define CKA_SUBPRIME_BITS 0x134UL
#define CKA_VALUE_BITS 0x160UL
#define CKA_VALUE_LEN 0x161UL
#define CKA_EXTRACTABLE 0x162UL
#define CKA_LOCAL 0x163UL
#define CKA_NEVER_EXTRACTABLE 0x164UL
#define CKA_ALWAYS_SENSITIVE 0x165UL
#define CKA_KEY_GEN_MECHANISM 0x166UL
#define CKA_MODIFIABLE 0x170UL
#define CKA_COPYABLE 0x171UL
#define CKA_DESTROYABLE 0x172UL
#define CKA_EC_PARAMS 0x180UL
#define CKA_EC_POINT 0x181UL
#define CKA_ALWAYS_AUTHENTICATE 0x202UL
#define CKA_WRAP_WITH_TRUSTED 0x210UL
#define CKA_MECHANISM_TYPE 0x500UL
#define CKA_PROFILE_ID 0x601UL
#define CKA_PARAMETER_SET 0x61DUL
#define CKA_OBJECT_VALIDATION_FLAGS 0x61EUL
#define CKA_VALIDATION_TYPE 0x61FUL
#define CKA_VALIDATION_VERSION 0x620UL
#define CKA_VALIDATION_LEVEL 0x621UL
#define CKA_VALIDATION_MODULE_ID 0x622UL
#define CKA_VALIDATION_FLAG 0x623UL
#define CKA_VALIDATION_AUTHORITY_TYPE 0x624UL
#define CKA_VALIDATION_COUNTRY 0x625UL
#define CKA_VALIDATION_CERTIFICATE_IDENTIFIER 0x626UL
#define CKA_VALIDATION_CERTIFICATE_URI 0x627UL
#define CKA_VALIDATION_VENDOR_URI 0x628UL
#define CKA_VALIDATION_PROFILE 0x629UL
#define CKA_ENCAPSULATE_TEMPLATE 0x62AUL
#define CKA_DECAPSULATE_TEMPLATE 0x62BUL
#define CKA_TRUST_SERVER_AUTH 0x62CUL
#define CKA_TRUST_CLIENT_AUTH 0x62DUL
#define CKA_TRUST_CODE_SIGNING 0x62EUL
#define CKA_TRUST_EMAIL_PROTECTION 0x62FUL
#define CKA_TRUST_IPSEC_IKE 0x630UL
#define CKA_TRUST_TIME_STAMPING 0x631UL
#define CKA_TRUST_OCSP_SIGNING 0x632UL
#define CKA_ENCAPSULATE 0x633UL
#define CKA_DECAPSULATE 0x634UL
#define CKA_HASH_OF_CERTIFICATE 0x635UL
#define CKA_PUBLIC_CRC64_VALUE 0x636UL
#define CKA_SEED 0x637UL
#define CKA_VENDOR_DEFINED 0x80000000UL
#define CKA_WRAP_TEMPLATE 0x40000211UL
#define CKA_UNWRAP_TEMPLATE 0x40000212UL
#define CKA_DERIVE_TEMPLATE 0x40000213UL
#define CKA_ALLOWED_MECHANISMS 0x40000600UL

/* Mechanisms: RSA */
#define CKM_RSA_PKCS_KEY_PAIR_GEN 0x00UL
#define CKM_RSA_PKCS 0x01UL
#define CKM_RSA_X_509 0x03UL
#define CKM_SHA1_RSA_PKCS 0x06UL
#define CKM_RSA_PKCS_OAEP 0x09UL
#define CKM_RSA_PKCS_PSS 0x0DUL
#define CKM_SHA1_RSA_PKCS_PSS 0x0EUL
#define CKM_SHA256_RSA_PKCS 0x40UL
#define CKM_SHA384_RSA_PKCS 0x41UL
#define CKM_SHA512_RSA_PKCS 0x42UL
#define CKM_SHA256_RSA_PKCS_PSS 0x43UL
#define CKM_SHA384_RSA_PKCS_PSS 0x44UL
#define CKM_SHA512_RSA_PKCS_PSS 0x45UL
#define CKM_SHA224_RSA_PKCS 0x46UL
#define CKM_SHA224_RSA_PKCS_PSS 0x47UL
#define CKM_SHA3_256_RSA_PKCS 0x60UL
#define CKM_SHA3_384_RSA_PKCS 0x61UL
#define CKM_SHA3_512_RSA_PKCS 0x62UL
#define CKM_SHA3_256_RSA_PKCS_PSS 0x63UL
#define CKM_SHA3_384_RSA_PKCS_PSS 0x64UL
#define CKM_SHA3_512_RSA_PKCS_PSS 0x65UL
#define CKM_SHA3_224_RSA_PKCS 0x66UL
#define CKM_SHA3_224_RSA_PKCS_PSS 0x67UL
#define CKM_RSA_AES_KEY_WRAP 0x1054UL

/* Mechanisms: elliptic curves */
#define CKM_EC_KEY_PAIR_GEN 0x1040UL
#define CKM_ECDSA 0x1041UL
#define CKM_ECDSA_SHA1 0x1042UL
#define CKM_ECDSA_SHA224 0x1043UL
#define CKM_ECDSA_SHA256 0x1044UL
#define CKM_ECDSA_SHA384 0x1045UL
#define CKM_ECDSA_SHA512 0x1046UL
#define CKM_EC_KEY_PAIR_GEN_W_EXTRA_BITS 0x140BUL
#define CKM_ECDH1_DERIVE 0x1050UL
#define CKM_ECDH1_COFACTOR_DERIVE 0x1051UL
#define CKM_ECDH_AES_KEY_WRAP 0x1053UL
#define CKM_ECDSA_SHA3_224 0x1047UL
#define CKM_ECDSA_SHA3_256 0x1048UL
#define CKM_ECDSA_SHA3_384 0x1049UL
#define CKM_ECDSA_SHA3_512 0x104AUL
#define CKM_EC_EDWARDS_KEY_PAIR_GEN 0x1055UL
#define CKM_EC_MONTGOMERY_KEY_PAIR_GEN 0x1056UL
#define CKM_EDDSA 0x1057UL
#define CKM_ECDH_X_AES_KEY_WRAP 0x4038UL
#define CKM_ECDH_COF_AES_KEY_WRAP 0x4039UL
#define CKM_PUB_KEY_FROM_PRIV_KEY 0x403AUL

/* Mechanisms: digests, and what is made with them */
#define CKM_MD5 0x210UL
#define CKM_SHA512_224 0x48UL
#define CKM_SHA512_224_HMAC 0x49UL
#define CKM_SHA512_224_HMAC_GENERAL 0x4AUL
#define CKM_SHA512_256 0x4CUL
#define CKM_SHA512_256_HMAC 0x4DUL
#define CKM_SHA512_256_HMAC_GENERAL 0x4EUL
#define CKM_SHA_1 0x220UL
#define CKM_SHA_1_HMAC 0x221UL
#define CKM_SHA_1_HMAC_GENERAL 0x222UL
#define CKM_SHA256 0x250UL
#define CKM_SHA256_HMAC 0x251UL
#define CKM_SHA256_HMAC_GENERAL 0x252UL
#define CKM_SHA224 0x255UL
#define CKM_SHA224_HMAC 0x256UL
#define CKM_SHA224_HMAC_GENERAL 0x257UL
#define CKM_SHA384 0x260UL
#define CKM_SHA384_HMAC 0x261UL
#define CKM_SHA384_HMAC_GENERAL 0x262UL
#define CKM_SHA512 0x270UL
#define CKM_SHA512_HMAC 0x271UL
#define CKM_SHA512_HMAC_GENERAL 0x272UL
#define CKM_SHA3_256 0x2B0UL
#define CKM_SHA3_256_HMAC 0x2B1UL
#define CKM_SHA3_256_HMAC_GENERAL 0x2B2UL
#define CKM_SHA3_256_KEY_GEN 0x2B3UL
#define CKM_SHA3_224 0x2B5UL
#define CKM_SHA3_224_HMAC 0x2B6UL
#define CKM_SHA3_224_HMAC_GENERAL 0x2B7UL
#define CKM_SHA3_224_KEY_GEN 0x2B8UL
#define CKM_SHA3_384 0x2C0UL
#define CKM_SHA3_384_HMAC 0x2C1UL
#define CKM_SHA3_384_HMAC_GENERAL 0x2C2UL
#define CKM_SHA3_384_KEY_GEN 0x2C3UL
#define CKM_SHA3_512 0x2D0UL
#define CKM_SHA3_512_HMAC 0x2D1UL
#define CKM_SHA3_512_HMAC_GENERAL 0x2D2UL
#define CKM_SHA3_512_KEY_GEN 0x2D3UL
#define CKM_SHA_1_KEY_GEN 0x4003UL
#define CKM_SHA224_KEY_GEN 0x4004UL
#define CKM_SHA256_KEY_GEN 0x4005UL
#define CKM_SHA384_KEY_GEN 0x4006UL
#define CKM_SHA512_KEY_GEN 0x4007UL
#define CKM_SHA512_224_KEY_GEN 0x4008UL
#define CKM_SHA512_256_KEY_GEN 0x4009UL
#define CKM_SHA1_KEY_DERIVATION 0x392UL
#define CKM_SHA256_KEY_DERIVATION 0x393UL
#define CKM_SHA384_KEY_DERIVATION 0x394UL
#define CKM_SHA512_KEY_DERIVATION 0x395UL
#define CKM_SHA224_KEY_DERIVATION 0x396UL
#define CKM_SHA3_256_KEY_DERIVATION 0x397UL
#define CKM_SHA3_224_KEY_DERIVATION 0x398UL
#define CKM_SHA3_384_KEY_DERIVATION 0x399UL
#define CKM_SHA3_512_KEY_DERIVATION 0x39AUL

/* Mechanisms: secret keys */
#define CKM_GENERIC_SECRET_KEY_GEN 0x350UL
#define CKM_CONCATENATE_BASE_AND_KEY 0x360UL
#define CKM_CONCATENATE_BASE_AND_DATA 0x362UL
#define CKM_CONCATENATE_DATA_AND_BASE 0x363UL
#define CKM_XOR_BASE_AND_DATA 0x364UL
#define CKM_EXTRACT_KEY_FROM_KEY 0x365UL
#define CKM_HKDF_DERIVE 0x402AUL
#define CKM_HKDF_DATA 0x402BUL
#define CKM_HKDF_KEY_GEN 0x402CUL
#define CKM_SP800_108_COUNTER_KDF 0x3ACUL
#define CKM_SP800_108_FEEDBACK_KDF 0x3ADUL
#define CKM_SP800_108_DOUBLE_PIPELINE_KDF 0x3AEUL
#define CKM_AES_KEY_GEN 0x1080UL
#define CKM_AES_ECB 0x1081UL
#define CKM_AES_CBC 0x1082UL
#define CKM_AES_MAC 0x1083UL
#define CKM_AES_MAC_GENERAL 0x1084UL
#define CKM_AES_CBC_PAD 0x1085UL
#define CKM_AES_CTR 0x1086UL
#define CKM_AES_GCM 0x1087UL
#define CKM_AES_CCM 0x1088UL
#define CKM_AES_CTS 0x1089UL
#define CKM_AES_CMAC 0x108AUL
#define CKM_AES_CMAC_GENERAL 0x108BUL
#define CKM_AES_GMAC 0x108EUL
#define CKM_AES_ECB_ENCRYPT_DATA 0x1104UL
#define CKM_AES_CBC_ENCRYPT_DATA 0x1105UL
#define CKM_AES_OFB 0x2104UL
#define CKM_AES_CFB64 0x2105UL
#define CKM_AES_CFB8 0x2106UL
#define CKM_AES_CFB128 0x2107UL
#define CKM_AES_CFB1 0x2108UL
#define CKM_AES_KEY_WRAP 0x2109UL
#define CKM_AES_KEY_WRAP_PAD 0x210AUL
#define CKM_AES_KEY_WRAP_KWP 0x210BUL
#define CKM_AES_KEY_WRAP_PKCS7 0x210CUL
#define CKM_NULL 0x400BUL
#define CKM_VENDOR_DEFINED 0x80000000UL

/* Parameters of mechanisms: mask generation, OAEP, key derivation, HKDF, message counters */
#define CKG_NO_GENERATE 0x00UL
#define CKG_GENERATE 0x01UL
#define CKG_GENERATE_COUNTER 0x02UL
#define CKG_GENERATE_RANDOM 0x03UL
#define CKG_GENERATE_COUNTER_XOR 0x04UL
#define CKG_MGF1_SHA1 0x01UL
#define CKG_MGF1_SHA256 0x02UL
#define CKG_MGF1_SHA384 0x03UL
#define CKG_MGF1_SHA512 0x04UL
#define CKG_MGF1_SHA224 0x05UL
#define CKG_MGF1_SHA3_224 0x06UL
#define CKG_MGF1_SHA3_256 0x07UL
#define CKG_MGF1_SHA3_384 0x08UL
#define CKG_MGF1_SHA3_512 0x09UL
#define CKZ_DATA_SPECIFIED 0x01UL
#define CKD_NULL 0x01UL
#define CKD_SHA1_KDF 0x02UL
#define CKD_SHA1_KDF_ASN1 0x03UL
#define CKD_SHA1_KDF_CONCATENATE 0x04UL
#define CKD_SHA224_KDF 0x05UL
#define CKD_SHA256_KDF 0x06UL
#define CKD_SHA384_KDF 0x07UL
#define CKD_SHA512_KDF 0x08UL
#define CKD_SHA3_224_KDF 0x0AUL
#define CKD_SHA3_256_KDF 0x0BUL
#define CKD_SHA3_384_KDF 0x0CUL
#define CKD_SHA3_512_KDF 0x0DUL
#define CKD_SHA1_KDF_SP800 0x0EUL
#define CKD_SHA224_KDF_SP800 0x0FUL
#define CKD_SHA256_KDF_SP800 0x10UL
#define CKD_SHA384_KDF_SP800 0x11UL
#define CKD_SHA512_KDF_SP800 0x12UL
#define CKD_SHA3_224_KDF_SP800 0x13UL
#define CKD_SHA3_256_KDF_SP800 0x14UL
#define CKD_SHA3_384_KDF_SP800 0x15UL
#define CKD_SHA3_512_KDF_SP800 0x16UL
#define CKF_HKDF_SALT_NULL 0x01UL
#define CKF_HKDF_SALT_DATA 0x02UL
#define CKF_HKDF_SALT_KEY 0x04UL

#endif
