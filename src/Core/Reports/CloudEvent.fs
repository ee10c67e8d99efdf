namespace CellOS.Export.S3.Core

open System
open System.Security.Cryptography
open System.Text
open System.Text.Json

/// Rules that this module keeps:
/// - an event is one line of CloudEvents 1.0 in its JSON format (media type `application/cloudevents+json`):
///   `specversion`, `type`, `source`, `subject`, `id`, `time`, `datacontenttype` and `data`, in this order;
/// - `source` is the cell, `/cells/` and its id, percent-encoded; `subject` is the artifact's name. What the type system
///   of CloudEvents has no room for (control characters, noncharacters, halves of surrogate pairs) is U+FFFD in
///   `subject`; `data` has the name as it is. Of an unknown artifact there is no `subject`, of an unknown cell `source`
///   is `/cells`;
/// - there is no `dataschema`, since no schema is published;
/// - `data` of a completed export is its receipt, with the fields of `Receipt.toJson` in their order; of a failed one
///   its failure, as `FailureReport.toJson` tells it but for two things: the fields of `error` stand beside the others,
///   and its message is the `reason`. After either come `specId`, `runId` and `provenance`, where they are given.
[<RequireQualifiedAccess>]
module CloudEvent =

    /// The type of the event that an artifact was exported.
    [<Literal>]
    let CompletedType = "dev.cellos.events.cell.export.v2.completed"

    /// The type of the event that an artifact was not exported.
    [<Literal>]
    let FailedType = "dev.cellos.events.cell.export.v2.failed"

    /// Other sinks than this library's may leave a text out.
    let private given (text: string) = if isNull (box text) then "" else text

    /// The SHA-256 of texts as netstrings (`3:abc,`: the length in UTF-8 bytes, the bytes), so that no two lists of
    /// texts are one. All of its digits: cells are not trusted, and one that found two events of one id could have
    /// the second thrown away as a duplicate.
    let private digest (texts: string list) =
        let all = StringBuilder()

        for text in texts do
            all.Append(Check.utf8Length text).Append(':').Append(text).Append(',') |> ignore

        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(all.ToString())))

    /// Unicode 3.4 (D14): the last two code points of each plane, and U+FDD0 to U+FDEF.
    let private isNoncharacter (rune: Rune) =
        (rune.Value &&& 0xfffe) = 0xfffe || rune.Value >= 0xfdd0 && rune.Value <= 0xfdef

    /// A text with nothing in it that CloudEvents disallows in a String (1.0, "Type System").
    let private allowed (text: string) =
        let result = StringBuilder(text.Length)

        // Half of a surrogate pair is U+FFFD among the runes.
        for rune in text.EnumerateRunes() do
            let isAllowed = not (Rune.IsControl rune || isNoncharacter rune)
            result.Append(if isAllowed then rune.ToString() else "\ufffd") |> ignore

        result.ToString()

    let private sourceOf (cellId: string) =
        match cellId with
        // No cell of this library; a client that resolves the reference would come out above /cells.
        | ""
        | "."
        | ".." -> "/cells"
        | cellId -> "/cells/" + UrlTemplate.encode false cellId

    let private render
        eventType
        id
        cellId
        artifactName
        (at: DateTimeOffset)
        (writeData: Utf8JsonWriter -> unit)
        =
        JsonLine.write (fun json ->
            json.WriteString("specversion", "1.0")
            json.WriteString("type", (eventType: string))
            json.WriteString("source", sourceOf cellId)

            match allowed artifactName with
            | "" -> ()
            | subject -> json.WriteString("subject", subject)

            json.WriteString("id", (id: string))
            json.WriteString("time", Receipt.timestamp at)
            json.WriteString("datacontenttype", "application/json")
            json.WritePropertyName "data"
            writeData json)

    /// The id of the event that tells of a receipt: the SHA-256, in hexadecimal digits, of `CompletedType`, cell id,
    /// artifact name, destination and SHA-256 in lower case, as netstrings in UTF-8.
    ///
    /// It says which bytes of which cell are where. An export of the same bytes to the same address, later and by
    /// whomever, says that again: to CloudEvents it is the event re-sent, which may have the same id, and which
    /// consumers may pass over. Time, attempts, the server's ids and its ETag make no difference.
    [<CompiledName("IdOf")>]
    let idOf (receipt: Receipt) : string =
        digest [
            CompletedType
            given receipt.CellId
            given receipt.ArtifactName
            given receipt.Destination
            (given receipt.Sha256).ToLowerInvariant()
        ]

    /// The event of `ofReceipt`, of a run about which more is known. Its id is the same.
    [<CompiledName("OfReceiptIn")>]
    let ofReceiptIn (context: EventContext) (receipt: Receipt) : string =
        let cellId, artifactName = given receipt.CellId, given receipt.ArtifactName

        render CompletedType (idOf receipt) cellId artifactName receipt.CompletedAt (fun json ->
            json.WriteStartObject()
            Receipt.writeFields json receipt
            EventContext.writeFields json context
            json.WriteEndObject())

    /// The event that an artifact was exported, at the time of its completion. Total, for receipts of other sinks, too.
    [<CompiledName("OfReceipt")>]
    let ofReceipt (receipt: Receipt) : string = ofReceiptIn EventContext.none receipt

    /// The event of `ofFailure`, of a run about which more is known.
    [<CompiledName("OfFailureIn")>]
    let ofFailureIn (context: EventContext) (at: DateTimeOffset) (report: FailureReport) : string =
        let data =
            FailureReport.toEventData (fun json -> EventContext.writeFields json context) report

        let name = Option.defaultValue ""

        render
            FailedType
            (digest [ FailedType; Receipt.timestamp at; data ])
            (name report.CellId)
            (name report.ArtifactName)
            at
            _.WriteRawValue(data)

    /// The event that an artifact was not exported, with the time at which it failed. Its id is the SHA-256 of
    /// `FailedType`, that time and `data`, as netstrings: the same failure rendered again has the same id, and one
    /// that comes later has another, whatever it says.
    [<CompiledName("OfFailure")>]
    let ofFailure (at: DateTimeOffset) (report: FailureReport) : string =
        ofFailureIn EventContext.none at report
