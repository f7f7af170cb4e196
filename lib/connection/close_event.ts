/**
 * The event of a closing, on runtimes that have no `CloseEvent` as well (Node 22).
 *
 * @module
 */

/** The event of a closing: `CloseEvent`, which is no global without the DOM's types. */
export interface WebSocketCloseEvent extends Event {
  /** The code of the peer's Close; 1005 if it had none, 1006 if there was no Close. */
  readonly code: number;
  /** The reason of the peer's Close. */
  readonly reason: string;
  /** Whether both Close frames were exchanged. */
  readonly wasClean: boolean;
}

/** What such an event is to tell. */
export type CloseDetails = Pick<WebSocketCloseEvent, "code" | "reason" | "wasClean">;

class OwnCloseEvent extends Event implements WebSocketCloseEvent {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;

  constructor(type: string, { code, reason, wasClean }: CloseDetails) {
    super(type);
    this.code = code;
    this.reason = reason;
    this.wasClean = wasClean;
  }
}

/** Makes an event from what it is to tell. */
type CloseEventConstructor = new (type: string, details: CloseDetails) => WebSocketCloseEvent;

const { CloseEvent = OwnCloseEvent } = globalThis as unknown as { CloseEvent?: CloseEventConstructor };

/** Makes the event; it is the runtime's own where there is one. */
export function makeCloseEvent(details: CloseDetails): WebSocketCloseEvent {
  return new CloseEvent("close", details);
}
