namespace CellOS.Export.S3.Core

open System
open System.Buffers.Text
open System.Globalization
open System.Text

/// A DSSE envelope with one signature: the content of one line of a file of seals.
type SealEnvelope = {
    /// The signed content: an in-toto statement in UTF-8.
    Payload: byte[]
    /// The SHA-256 of the key's SubjectPublicKeyInfo: 64 hexadecimal digits in lower case.
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
        let base64 (bytes: byte[]) =
            Encoding.ASCII.GetBytes(Convert.ToBase64String bytes)

        Array.concat [
            opening
            base64 envelope.Payload
            afterPayload
            Encoding.ASCII.GetBytes envelope.KeyId
            afterKeyId
            base64 envelope.Signature
            closing
        ]

    let private refuse problem =
        Check.refuse "seal" problem "This library did not write the line, or the line was changed later."

    /// Decodes Base64 that has no blanks, complete padding, and no bits after its end.
    let private decode (field: string) (text: ReadOnlyMemory<byte>) : Result<byte[], Refusal> =
        let octets = Array.zeroCreate<byte>(Base64.GetMaxDecodedFromUtf8Length text.Length)
        let mutable read, written = 0, 0
        let status = Base64.DecodeFromUtf8(text.Span, Span octets, &read, &written)

        if status <> Buffers.OperationStatus.Done || read <> text.Length then
            refuse $"does not have Base64 in '{field}'"
        else
            let decoded = octets[.. written - 1]
            let again = Encoding.ASCII.GetBytes(Convert.ToBase64String decoded)

            if text.Span.SequenceEqual(ReadOnlySpan again) then
                Ok decoded
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
        | None -> refuse "is not an envelope in the form that this library writes"
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
