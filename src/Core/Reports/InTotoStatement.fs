namespace CellOS.Export.S3.Core

open System

/// Rules that this module keeps:
/// - a statement is one line of in-toto Statement v1: `_type`, `subject`, `predicateType` and `predicate`, in this order.
///   It is not signed: the signer puts it into an envelope (DSSE, payload type `application/vnd.in-toto+json`);
/// - its one subject is the artifact: `name`, the artifact's name within its cell; `uri`, the destination, percent-encoded;
///   `digest`, its `sha256` alone. A subject is matched by any digest that the consumer accepts, so an MD5, for which a
///   cell can make two files, is not there: it is in the predicate;
/// - `predicate` is the receipt, with the fields of `Receipt.toJson` in their order, and then `specId`, `runId` and
///   `provenance`, where they are given. A field may be added within this
///   `predicateType`, and consumers ignore unknown ones (the parsing rules of in-toto, "monotonic principle");
/// - nothing is stated of a push that failed.
[<RequireQualifiedAccess>]
module InTotoStatement =

    /// The type of a statement, of any version 1 of the specification.
    [<Literal>]
    let StatementType = "https://in-toto.io/Statement/v1"

    /// The type of the predicate: the subject's bytes were written to where the receipt says.
    [<Literal>]
    let PredicateType = "https://cellos.dev/attestations/export-receipt/v1"

    let private scheme = "s3://"

    let private isHost (bucket: string) =
        bucket <> ""
        && bucket
           |> String.forall (fun c ->
               Char.IsAsciiLetterLower c
               || Char.IsAsciiDigit c
               || c = '.'
               || c = '-'
               || c = '_')

    /// What a URI keeps as it is: `.` and `..` are taken out of a path when it is normalized (RFC 3986, 6.2.2.3).
    let private isPath (key: string) =
        key <> ""
        && key.Split '/' |> Array.forall (fun segment -> segment <> "." && segment <> "..")

    /// `s3://bucket/key` as a URI. `None` for a bucket that the authority of a URI does not name: in-toto wants that in
    /// lower case (ResourceURI), which would be another bucket. `None` for destinations of other kinds, of which it is
    /// not known whether they are percent-encoded.
    let private uriOf (destination: string) =
        if not (destination.StartsWith(scheme, StringComparison.Ordinal)) then
            None
        else
            match destination.IndexOf('/', scheme.Length) with
            | -1 -> None
            | slash ->
                let bucket = destination.Substring(scheme.Length, slash - scheme.Length)
                let key = destination.Substring(slash + 1)

                if isHost bucket && isPath key then
                    Some(String.Concat(scheme, bucket, "/", UrlTemplate.encode true key))
                else
                    None

    /// What is there of a text; other sinks than this library's may leave it out.
    let private known (text: string) =
        if String.IsNullOrEmpty text then None else Some text

    /// The statement of `ofReceipt`, of a run about which more is known.
    [<CompiledName("OfReceiptIn")>]
    let ofReceiptIn (context: EventContext) (receipt: Receipt) : Result<string, Refusal> =
        if not (Receipt.isSha256 receipt.Sha256) then
            Check.refuse
                "receipt"
                "has no 64 hexadecimal digits in 'sha256'"
                "A statement is about bytes, which are known by that alone: have the sink that made the receipt take it."
        else
            JsonLine.write (fun json ->
                json.WriteString("_type", StatementType)
                json.WriteStartArray "subject"
                json.WriteStartObject()
                JsonLine.optional json "name" (known receipt.ArtifactName)
                JsonLine.optional json "uri" (known receipt.Destination |> Option.bind uriOf)
                json.WriteStartObject "digest"
                json.WriteString("sha256", receipt.Sha256.ToLowerInvariant())
                json.WriteEndObject()
                json.WriteEndObject()
                json.WriteEndArray()
                json.WriteString("predicateType", PredicateType)
                json.WriteStartObject "predicate"
                Receipt.writeFields json receipt
                EventContext.writeFields json context
                json.WriteEndObject())
            |> Ok

    /// The statement that the artifact was exported. Refused: a receipt of another sink whose SHA-256 is not one, since
    /// there is no subject then.
    [<CompiledName("OfReceipt")>]
    let ofReceipt (receipt: Receipt) : Result<string, Refusal> = ofReceiptIn EventContext.none receipt
