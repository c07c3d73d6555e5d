/* What the module does not do: each function that is defined nowhere else. The linker takes these where it finds no other. */
#pragma GCC visibility push(default)
#include "cryptoki.h"
#pragma GCC visibility pop

#pragma GCC diagnostic ignored "-Wunused-parameter"

#define STUB(name, parameters) \
	__attribute__((weak)) CK_RV name parameters \
	{ \
		return CKR_FUNCTION_NOT_SUPPORTED; \
	}

CK_FUNCTIONS_2_40(STUB)
CK_FUNCTIONS_3_0(STUB)
CK_FUNCTIONS_3_2(STUB)
