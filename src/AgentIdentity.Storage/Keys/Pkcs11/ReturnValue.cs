namespace AgentIdentity.Storage.Keys.Pkcs11;

/// <summary>The answers of a module that are met or expected (CK_RV of PKCS #11). Any other is told as its number.</summary>
internal enum ReturnValue : ulong
{
    CKR_OK = 0x0,
    CKR_HOST_MEMORY = 0x2,
    CKR_SLOT_ID_INVALID = 0x3,
    CKR_GENERAL_ERROR = 0x5,
    CKR_FUNCTION_FAILED = 0x6,
    CKR_DEVICE_ERROR = 0x30,
    CKR_DEVICE_MEMORY = 0x31,
    CKR_DEVICE_REMOVED = 0x32,
    CKR_FUNCTION_NOT_SUPPORTED = 0x54,
    CKR_KEY_HANDLE_INVALID = 0x60,
    CKR_MECHANISM_INVALID = 0x70,
    CKR_OBJECT_HANDLE_INVALID = 0x82,
    CKR_PIN_INCORRECT = 0xa0,
    CKR_PIN_LOCKED = 0xa4,
    CKR_SESSION_CLOSED = 0xb0,
    CKR_SESSION_HANDLE_INVALID = 0xb3,
    CKR_TOKEN_NOT_PRESENT = 0xe0,
    CKR_TOKEN_WRITE_PROTECTED = 0xe2,
    CKR_USER_ALREADY_LOGGED_IN = 0x100,
    CKR_USER_NOT_LOGGED_IN = 0x101,
    CKR_CRYPTOKI_ALREADY_INITIALIZED = 0x191,
}
