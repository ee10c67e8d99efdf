namespace CellOS.Export.S3.Core

open System
open System.Buffers.Text
open System.Globalization
open System.Text
open System.Text.Json
open FsToolkit.ErrorHandling

/// A DSSE envelope with one signature: the content of one line of a file of seals.
type SealEnvelope = {
    /// The signed content: an in-toto statement in UTF-8.
    Payload: byte[]
    /// The SHA-256 of the key's SubjectPublicKeyInfo: 64 hexadecimal digits in lower case. Other programs write other texts, or
    /// none.
    KeyId: string
    /// ECDSA over P-256 with SHA-256, in DER.
    Signature: byte[]
}

/// Writes and reads the envelopes of seals (DSSE v1.0.0). Signing is an effect, and belongs to the caller.
///
/// Rules that this module keeps:
/// - a line has one form: no blanks, the fields in the order of the specification, Base64 with padding, one signature.
///   Every other line is rejected, so that a change outside the signed bytes is detected as well;
/// - what `line` writes, `parse` reads back; what `parse` accepts, `line` writes again, byte for byte;
/// - `parse` is total on any bytes.
[<RequireQualifiedAccess>]
module Seal =

    /// The payload type of in-toto statements.
    [<Literal>]
    let PayloadType = "application/vnd.in-toto+json"

    /// Returns the bytes that a signature is made over: `DSSEv1 LENGTH TYPE LENGTH BODY` (DSSE v1.0.0, "Signature Definition").
    [<CompiledName("PreAuthenticationEncoding")>]
    let preAuthenticationEncoding (payloadType: string) (payload: ReadOnlyMemory<byte>) : byte[] =
        let length (bytes: int) =
            bytes.ToString CultureInfo.InvariantCulture

        let head =
            Encoding.UTF8.GetBytes
                $"DSSEv1 {length (Check.utf8Length payloadType)} {payloadType} {length payload.Length} "

        let all = Array.zeroCreate<byte>(head.Length + payload.Length)
        head.CopyTo(all, 0)
        payload.Span.CopyTo(Span(all, head.Length, payload.Length))
        all

    let private opening = "{\"payload\":\""B

    let private afterPayload =
        Encoding.ASCII.GetBytes $"\",\"payloadType\":\"{PayloadType}\",\"signatures\":[{{\"keyid\":\""

    let private afterKeyId = "\",\"sig\":\""B
    let private closing = "\"}]}"B

    /// Returns the line, without a line end. The key id must be 64 hexadecimal digits in lower case.
    [<CompiledName("Line")>]
    let line (envelope: SealEnvelope) : byte[] =
        let length (bytes: byte[]) =
            Base64.GetMaxEncodedToUtf8Length bytes.Length

        // A run may have 100,000 receipts: the line is written in place.
        let all =
            Array.zeroCreate<byte>(
                opening.Length
                + length envelope.Payload
                + afterPayload.Length
                + envelope.KeyId.Length
                + afterKeyId.Length
                + length envelope.Signature
                + closing.Length
            )

        let mutable at = 0

        let write (bytes: byte[]) =
            bytes.CopyTo(all, at)
            at <- at + bytes.Length

        let writeBase64 (bytes: byte[]) =
            let mutable read, written = 0, 0

            Base64.EncodeToUtf8(ReadOnlySpan bytes, Span(all, at, length bytes), &read, &written)
            |> ignore

            at <- at + written

        write opening
        writeBase64 envelope.Payload
        write afterPayload
        write (Encoding.ASCII.GetBytes envelope.KeyId)
        write afterKeyId
        writeBase64 envelope.Signature
        write closing
        all

    let private refuse problem =
        Check.refuse "seal" problem "This library did not write the line, or the line was changed later."

    let private base64Alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="B

    /// True if bytes that Base64 stands for are written so: the octets of the last group decide, since the decoder ignores bits
    /// after the end.
    let private isOneForm (text: ReadOnlyMemory<byte>) (decoded: ReadOnlySpan<byte>) =
        let last = if decoded.Length % 3 = 0 then 3 else decoded.Length % 3

        text.Length = Base64.GetMaxEncodedToUtf8Length decoded.Length
        && text.Span.IndexOfAnyExcept(base64Alphabet.AsSpan()) < 0
        && (decoded.IsEmpty
            || text.Span
                .Slice(text.Length - 4)
                .SequenceEqual(
                    ReadOnlySpan(
                        Encoding.ASCII.GetBytes(Convert.ToBase64String(decoded.Slice(decoded.Length - last)))
                    )
                ))

    /// Decodes Base64 that has no blanks, complete padding, and no bits after its end.
    let private decode (field: string) (text: ReadOnlyMemory<byte>) : Result<byte[], Refusal> =
        let octets = Array.zeroCreate<byte>(Base64.GetMaxDecodedFromUtf8Length text.Length)
        let mutable read, written = 0, 0
        let status = Base64.DecodeFromUtf8(text.Span, Span octets, &read, &written)

        if status <> Buffers.OperationStatus.Done || read <> text.Length then
            refuse $"does not have Base64 in '{field}'"
        elif isOneForm text (ReadOnlySpan(octets, 0, written)) then
            Ok(if written = octets.Length then octets else Array.sub octets 0 written)
        else
            refuse $"has Base64 in '{field}' that is not in its one form"

    let private isKeyId (text: ReadOnlyMemory<byte>) =
        text.Length = 64 && text.Span.IndexOfAnyExcept("0123456789abcdef"B.AsSpan()) < 0

    /// Splits the bytes before and after the first appearance of a text.
    let private cut (text: byte[]) (bytes: ReadOnlyMemory<byte>) =
        match bytes.Span.IndexOf(ReadOnlySpan text) with
        | -1 -> None
        | at -> Some(bytes.Slice(0, at), bytes.Slice(at + text.Length))

    /// Parses the bytes of a line without its line end. The signature is not checked.
    [<CompiledName("Parse")>]
    let parse (line: ReadOnlyMemory<byte>) : Result<SealEnvelope, Refusal> =
        let fields =
            match cut opening line with
            | Some(before, rest) when before.IsEmpty ->
                match cut afterPayload rest with
                | Some(payload, rest) ->
                    match cut afterKeyId rest with
                    | Some(keyId, rest) ->
                        match cut closing rest with
                        | Some(signature, after) when after.IsEmpty -> Some(payload, keyId, signature)
                        | _ -> None
                    | None -> None
                | None -> None
            | _ -> None

        match fields with
        | None -> refuse "is not an envelope of this library, or its line ends were changed"
        | Some(_, keyId, _) when not (isKeyId keyId) ->
            refuse "does not have 64 hexadecimal digits in lower case in 'keyid'"
        | Some(payload, keyId, signature) ->
            match decode "payload" payload, decode "sig" signature with
            | Ok payload, Ok signature ->
                Ok {
                    Payload = payload
                    KeyId = Encoding.ASCII.GetString keyId.Span
                    Signature = signature
                }
            | Error refusal, _
            | _, Error refusal -> Error refusal

    let private fields =
        JsonFields(
            "envelope",
            "Give a DSSE envelope, or a Sigstore bundle with one, as its program wrote it."
        )

    /// Decodes Base64 of other programs: with either alphabet (RFC 4648, 4 and 5), with or without padding, with white space.
    let private decodeForeign (name: string) (text: string) : Result<byte[], Refusal> =
        let plain =
            (text |> String.filter (Char.IsWhiteSpace >> not))
                .TrimEnd('=')
                .Replace('-', '+')
                .Replace('_', '/')

        let octets = Array.zeroCreate<byte>(plain.Length * 3 / 4)

        match Convert.TryFromBase64String(plain.PadRight((plain.Length + 3) / 4 * 4, '='), octets) with
        | true, count when count = octets.Length -> Ok octets
        | _ -> fields.Refuse $"does not have Base64 in '{name}'"

    let private ofForeign (envelope: JsonElement) =
        result {
            let! payloadType = fields.Required envelope "payloadType"

            if payloadType <> PayloadType then
                do! fields.Refuse $"does not have '{PayloadType}' in 'payloadType'"

            let! payload =
                fields.Required envelope "payload" |> Result.bind (decodeForeign "payload")

            let! signatures =
                fields.Objects envelope "signatures" (fun signature ->
                    result {
                        let! keyId = fields.Optional signature "keyid"
                        let! octets = fields.Required signature "sig" |> Result.bind (decodeForeign "sig")

                        return {
                            Payload = payload
                            KeyId = Option.defaultValue "" keyId
                            Signature = octets
                        }
                    })

            if signatures.IsEmpty then
                do! fields.Refuse "has no signature"

            return signatures
        }

    /// Parses an envelope that another program wrote, alone or in a Sigstore bundle: an in-toto statement with one or more
    /// signatures. Returns an envelope for each signature; the key id is a hint, and may be empty. No signature is checked.
    /// Lines of a file of seals are for `parse`, which detects changes outside the signed bytes.
    [<CompiledName("ParseForeign")>]
    let parseForeign (json: ReadOnlyMemory<byte>) : Result<SealEnvelope list, Refusal> =
        fields.Parse json (fun root ->
            match root.TryGetProperty "dsseEnvelope" with
            | true, envelope when envelope.ValueKind = JsonValueKind.Object -> ofForeign envelope
            | _ -> ofForeign root)

    /// A part of a line: a fixed text, Base64 of any length, or the digits of a key id.
    [<RequireQualifiedAccess>]
    type private Part =
        | Fixed of byte[]
        | Base64
        | KeyId

    let private parts = [
        Part.Fixed opening
        Part.Base64
        Part.Fixed afterPayload
        Part.KeyId
        Part.Fixed afterKeyId
        Part.Base64
        Part.Fixed closing
    ]

    let private lengthOf (alphabet: byte[]) (bytes: ReadOnlyMemory<byte>) =
        match bytes.Span.IndexOfAnyExcept(alphabet.AsSpan()) with
        | -1 -> bytes.Length
        | length -> length

    /// True if a line may begin with these bytes, which may be all of it.
    [<CompiledName("MayBegin")>]
    let mayBegin (bytes: ReadOnlyMemory<byte>) : bool =
        let rec from parts (rest: ReadOnlyMemory<byte>) =
            match parts with
            | _ when rest.IsEmpty -> true
            | [] -> false
            | Part.Fixed text :: next ->
                let shared = min text.Length rest.Length

                rest.Span.Slice(0, shared).SequenceEqual(ReadOnlySpan(text, 0, shared))
                && from next (rest.Slice shared)
            | Part.Base64 :: next -> from next (rest.Slice(lengthOf base64Alphabet rest))
            | Part.KeyId :: next ->
                let length = min 64 (lengthOf "0123456789abcdef"B rest)
                (length = 64 || length = rest.Length) && from next (rest.Slice length)

        from parts bytes
