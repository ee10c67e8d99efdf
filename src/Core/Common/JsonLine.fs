namespace CellOS.Export.S3.Core

open System.Buffers
open System.Text
open System.Text.Encodings.Web
open System.Text.Json

/// JSON on one line, as files of receipts hold it and pipes pass it on.
module internal JsonLine =

    // Names stay readable: only what JSON itself asks for is escaped. A receipt is no HTML.
    let private options =
        JsonWriterOptions(Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping)

    let private written (fields: Utf8JsonWriter -> unit) : ArrayBufferWriter<byte> =
        let buffer = ArrayBufferWriter<byte> 1024
        use json = new Utf8JsonWriter(buffer, options)
        json.WriteStartObject()
        fields json
        json.WriteEndObject()
        json.Flush()
        buffer

    /// A writer that may be reset, to write one object after the other.
    let writerTo (buffer: ArrayBufferWriter<byte>) = new Utf8JsonWriter(buffer, options)

    /// One object with the fields that are written into it.
    let write (fields: Utf8JsonWriter -> unit) : string =
        Encoding.UTF8.GetString (written fields).WrittenSpan

    /// The same in UTF-8.
    let writeUtf8 (fields: Utf8JsonWriter -> unit) : byte[] = (written fields).WrittenSpan.ToArray()

    /// A field that is left out where its value is unknown.
    let optional (json: Utf8JsonWriter) (name: string) (value: string option) =
        match value with
        | Some value -> json.WriteString(name, value)
        | None -> ()
