/* Frames and messages of the ring: the first byte chooses the message. */
#include <stddef.h>
#include <stdint.h>

#include "ring/proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(uint8_t type, const uint8_t *p, size_t len)
{
	union {
		struct ring_hello hello;
		struct ring_join join;
		struct ring_welcome welcome;
		struct ring_place place;
		struct ring_beat beat;
		struct ring_report report;
		struct ring_notice notice;
		struct frame frame;
	} m;

	switch (type % 8) {
	case 0:
		message_decode_hello(&m.hello, p, len);
		break;
	case 1:
		message_decode_join(&m.join, p, len);
		break;
	case 2:
		message_decode_welcome(&m.welcome, p, len);
		break;
	case 3:
		message_decode_place(&m.place, p, len);
		break;
	case 4:
		message_decode_beat(&m.beat, p, len);
		break;
	case 5:
		message_decode_report(&m.report, p, len);
		break;
	case 6:
		message_decode_notice(&m.notice, p, len);
		break;
	default:
		if (len >= FRAME_HEADER)
			frame_decode(&m.frame, p);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size)
		decode(data[0], data + 1, size - 1);
	return 0;
}
