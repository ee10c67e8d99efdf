namespace CellOS.Export.S3.Core

open System
open System.Text

/// Checks envelopes that other programs signed: of a statement of a run, or of the in-toto statement of one artifact.
///
/// Rules that this module keeps:
/// - one signature of a given key suffices; the key id in the envelope is a hint that other programs write as they like, so that
///   each key is tried;
/// - what is around the signed bytes does not count: blanks, the order of the fields, other signatures. An envelope has no
///   place in a chain: that one was removed is not detected;
/// - `check` is total on any bytes.
[<RequireQualifiedAccess>]
module ForeignSeal =

    let private receipts (payload: byte[]) : Receipt list option =
        match SealStatement.parse (ReadOnlyMemory payload) with
        | Ok statement -> Some statement.Receipts
        | Error _ ->
            match ReceiptForms.tryParse (ReadOnlyMemory payload) with
            | Some [ LogLine.Receipt receipt ] when
                Encoding.UTF8.GetString(payload).Contains InTotoStatement.PredicateType
                ->
                Some [ receipt ]
            | _ -> None

    let private isSigned (keys: SealKeys) (envelope: SealEnvelope) =
        let bytes =
            Seal.preAuthenticationEncoding Seal.PayloadType (ReadOnlyMemory envelope.Payload)

        let verifies id =
            keys.IsSigned.Invoke(id, ReadOnlyMemory bytes, ReadOnlyMemory envelope.Signature)

        match keys.Ids with
        | Some ids -> Set.exists verifies ids
        | None -> verifies envelope.KeyId

    /// Returns the receipts that an envelope states, or what is wrong with it.
    [<CompiledName("Check")>]
    let check (keys: SealKeys) (json: ReadOnlyMemory<byte>) : Result<Receipt list, string> =
        match Seal.parseForeign json with
        | Error refusal -> Error refusal.Problem
        | Ok envelopes ->
            match List.tryFind (isSigned keys) envelopes with
            | None -> Error "has no signature of its content by a given key"
            | Some envelope ->
                match receipts envelope.Payload with
                | Some receipts -> Ok receipts
                | None -> Error "states neither what a run stored nor that an artifact was exported"
