/**
 * Takes what an endpoint tells, turn for turn, as a connection does that is read at once.
 *
 * @module
 */

import type { Endpoint, EndpointEvent, EndpointNotice } from "../../lib/protocol/endpoint.ts";
import { isMessage } from "../../lib/protocol/message_assembler.ts";

/** Tells whether an event is of a type. */
export function isEvent<T extends EndpointNotice["type"]>(
  event: EndpointEvent | undefined,
  type: T,
): event is Extract<EndpointNotice, { type: T }> {
  return event !== undefined && !isMessage(event) && event.type === type;
}

/** All events that there are now. */
export function* eventsOf(endpoint: Endpoint): Generator<EndpointEvent, void> {
  do {
    endpoint.startTurn();
    for (let event = endpoint.next(); event !== undefined; event = endpoint.next()) {
      yield isEvent(event, "end") ? endpoint.allRead()! : event;
    }
  } while (endpoint.turnIsOver && !endpoint.finished);
}
