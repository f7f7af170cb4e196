/**
 * Takes what an endpoint tells, turn for turn, as a connection does that is read at once.
 *
 * @module
 */

import type { Endpoint, EndpointEvent } from "../../lib/protocol/endpoint.ts";

/** All events that there are now. */
export function* eventsOf(endpoint: Endpoint): Generator<EndpointEvent, void> {
  do {
    endpoint.rest();
    for (let event = endpoint.next(); event !== undefined; event = endpoint.next()) {
      yield event.type === "end" ? endpoint.allRead()! : event;
    }
  } while (endpoint.weary && !endpoint.finished);
}
