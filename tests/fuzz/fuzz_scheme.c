/*
 * fuzz_scheme.c
 *	  Any bytes as the text of a scheme: one that is accepted writes a text
 *	  that is accepted and writes itself.  The bytes are a padded code as well.
 */
#include <stdlib.h>
#include <string.h>

#include "scheme.h"

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_unpad(const GridScheme *scheme, const uint8_t *data, size_t size)
{
	gridcode	code;

	if (scheme_unpad(scheme, (const char *) data, size, &code) == UNPAD_OK &&
		(!gridcode_is_valid(code) || scheme_depth(scheme, code) == 0))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char		first[SCHEME_MAX_TEXT];
	char		second[SCHEME_MAX_TEXT];
	GridScheme	scheme;
	GridScheme	again;
	int			level;
	const char *cn = scheme_preset("cn", 2);

	if (scheme_parse((const char *) data, size, &scheme, &level) == SCHEME_OK)
	{
		int			len = scheme_format(&scheme, first);

		if (scheme_parse(first, len, &again, &level) != SCHEME_OK ||
			scheme_format(&again, second) != len || strcmp(first, second) != 0)
			abort();
		check_unpad(&scheme, data, size);
	}
	if (scheme_parse(cn, strlen(cn), &scheme, &level) != SCHEME_OK)
		abort();
	check_unpad(&scheme, data, size);
	return 0;
}
