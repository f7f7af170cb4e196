/**
 * permessage-deflate's compressor, on `node:zlib`, which all three runtimes have.
 *
 * @module
 */

import type { DeflateCodec } from "../../protocol/deflate_codec.ts";
import { ZlibDeflater } from "./deflater.ts";
import { ZlibInflater } from "./inflater.ts";

/** Compresses with `node:zlib`. */
export const zlibCodec: DeflateCodec = {
  inflater: (options) => new ZlibInflater(options),
  deflater: (options) => new ZlibDeflater(options),
};
