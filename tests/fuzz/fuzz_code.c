/*
 * fuzz_code.c
 *	  Any bytes as the text of a code, and as the digits of its wire form: a
 *	  code that is accepted is valid and writes back the same bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "code.h"

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char		buffer[GRIDCODE_MAX_DIGITS + 1];
	gridcode	code;
	gridcode	last;
	int			digits;

	if (gridcode_parse((const char *) data, size, &code) != GRIDCODE_OK)
		return 0;
	if (!gridcode_is_valid(code))
		abort();
	digits = gridcode_format(code, buffer);
	if ((size_t) digits != size || memcmp(buffer, data, size) != 0)
		abort();
	last = gridcode_last(code);
	if (!gridcode_is_valid(last) || !gridcode_contains(code, last) || gridcode_common(code, last) != code)
		abort();
	if (gridcode_prefix(last, digits) != code)
		abort();
	return 0;
}
