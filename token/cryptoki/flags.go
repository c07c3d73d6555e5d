package cryptoki

// What a slot tells of itself (CKF).
const (
	SlotTokenPresent Flags = 0x00000001 // CKF_TOKEN_PRESENT
	SlotRemovable    Flags = 0x00000002 // CKF_REMOVABLE_DEVICE
	SlotHardware     Flags = 0x00000004 // CKF_HW_SLOT
)

// What a token tells of itself (CKF).
const (
	TokenRNG           Flags = 0x00000001 // CKF_RNG
	LoginRequired      Flags = 0x00000004
	UserPINInitialized Flags = 0x00000008
	TokenInitialized   Flags = 0x00000400
	UserPINCountLow    Flags = 0x00010000
	UserPINFinalTry    Flags = 0x00020000
	UserPINBlocked     Flags = 0x00040000 // CKF_USER_PIN_LOCKED
	UserPINToBeChanged Flags = 0x00080000
	SOPINCountLow      Flags = 0x00100000
	SOPINFinalTry      Flags = 0x00200000
	SOPINBlocked       Flags = 0x00400000 // CKF_SO_PIN_LOCKED
)
