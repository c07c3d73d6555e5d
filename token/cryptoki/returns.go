package cryptoki

// The return values that this module gives (CKR).
const (
	OK                         RV = 0x000
	HostMemory                 RV = 0x002
	SlotIDInvalid              RV = 0x003
	GeneralError               RV = 0x005
	FunctionFailed             RV = 0x006
	ArgumentsBad               RV = 0x007
	AttributeReadOnly          RV = 0x010
	AttributeSensitive         RV = 0x011
	AttributeTypeInvalid       RV = 0x012
	AttributeValueInvalid      RV = 0x013
	ActionProhibited           RV = 0x01B
	DataInvalid                RV = 0x020
	DataLenRange               RV = 0x021
	DeviceError                RV = 0x030
	DeviceMemory               RV = 0x031
	DeviceRemoved              RV = 0x032
	EncryptedDataInvalid       RV = 0x040
	EncryptedDataLenRange      RV = 0x041
	FunctionNotSupported       RV = 0x054
	KeyHandleInvalid           RV = 0x060
	KeySizeRange               RV = 0x062
	KeyTypeInconsistent        RV = 0x063
	KeyFunctionNotPermitted    RV = 0x068
	KeyNotWrappable            RV = 0x069
	KeyUnextractable           RV = 0x06A
	MechanismInvalid           RV = 0x070
	MechanismParamInvalid      RV = 0x071
	ObjectHandleInvalid        RV = 0x082
	OperationActive            RV = 0x090
	OperationNotInitialized    RV = 0x091
	PINIncorrect               RV = 0x0A0
	PINInvalid                 RV = 0x0A1
	PINLenRange                RV = 0x0A2
	PINExpired                 RV = 0x0A3
	PINLocked                  RV = 0x0A4
	SessionCount               RV = 0x0B1
	SessionHandleInvalid       RV = 0x0B3
	SessionReadOnly            RV = 0x0B5
	SessionExists              RV = 0x0B6
	SessionReadOnlyExists      RV = 0x0B7
	SessionReadWriteSOExists   RV = 0x0B8
	SignatureInvalid           RV = 0x0C0
	SignatureLenRange          RV = 0x0C1
	TemplateIncomplete         RV = 0x0D0
	TemplateInconsistent       RV = 0x0D1
	TokenNotPresent            RV = 0x0E0
	TokenNotRecognized         RV = 0x0E1
	TokenWriteProtected        RV = 0x0E2
	UserAlreadyLoggedIn        RV = 0x100
	UserNotLoggedIn            RV = 0x101
	UserPINNotInitialized      RV = 0x102
	UserTypeInvalid            RV = 0x103
	UserAnotherAlreadyLoggedIn RV = 0x104
	WrappedKeyInvalid          RV = 0x110
	WrappedKeyLenRange         RV = 0x112
	WrappingKeyHandleInvalid   RV = 0x113
	UnwrappingKeyHandleInvalid RV = 0x0F0
	CurveNotSupported          RV = 0x140
	BufferTooSmall             RV = 0x150
	OperationCancelFailed      RV = 0x202
)

func (rv RV) name() string {
	switch rv {
	case HostMemory:
		return "CKR_HOST_MEMORY"
	case SlotIDInvalid:
		return "CKR_SLOT_ID_INVALID"
	case PINIncorrect:
		return "CKR_PIN_INCORRECT"
	case PINExpired:
		return "CKR_PIN_EXPIRED"
	case PINLocked:
		return "CKR_PIN_LOCKED"
	case UserNotLoggedIn:
		return "CKR_USER_NOT_LOGGED_IN"
	case ObjectHandleInvalid:
		return "CKR_OBJECT_HANDLE_INVALID"
	}
	return ""
}
