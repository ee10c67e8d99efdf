namespace CellOS.Export.S3.Core

open System
open System.Text.Json
open FsToolkit.ErrorHandling

/// What a line of JSON tells of a push that ended without a receipt.
type FailureReport = {
    /// The kind of target, as receipts have it, if it is known. Only events contain it.
    TargetKind: string option
    /// The target's name in the cell spec. Only events contain it.
    TargetName: string option
    /// The cell, if it is known.
    CellId: string option
    /// The artifact, if it is known.
    ArtifactName: string option
    /// The logical address that it was meant for.
    Destination: string option
    /// The name of a `FailureKind`, such as `UrlExpired`.
    Kind: string
    /// What happened and what to do, for people.
    Message: string
    /// True if the message is this library's own, whose foreign parts are redacted: it is written as it is.
    IsRedacted: bool
    /// The HTTP status of the last reply.
    Status: int option
    /// The S3 error code of the last reply.
    Code: string option
    /// The request id of the last response, as a store's support asks for it.
    RequestId: string option
    /// `x-amz-id-2` of the last response.
    HostId: string option
    /// True if an object of this push may have been stored all the same.
    MayBeStored: bool
    /// The number of attempts that were begun; may be 0.
    Attempts: int
    /// True if the artifact is kept in a spool.
    Spooled: bool
}

/// Rules that this module keeps:
/// - JSON on one line, in this order, whatever the texts hold; what is unknown is left out:
///   `{"cellId","artifactName","destination","error":{"kind","message","status","code","requestId","hostId","mayBeStored","attempts","spooled"}}`;
/// - the names stand there as they are, to be found again by them; the other texts are redacted once more,
///   since not only this library makes failures. A message of its own is not: that would damage its words.
[<RequireQualifiedAccess>]
module FailureReport =

    /// What is reported of a failure.
    [<CompiledName("Of")>]
    let ofFailure (failure: ExportFailure) : FailureReport = {
        TargetKind = Some failure.TargetKind.Name
        TargetName = failure.TargetName
        CellId = Some failure.CellId
        ArtifactName = Some failure.ArtifactName
        Destination = Some failure.Destination
        Kind = string failure.Kind
        Message = failure.Message
        IsRedacted = true
        Status = failure.Status
        Code = failure.Code
        RequestId = failure.RequestId
        HostId = failure.HostId
        MayBeStored = failure.MayBeStored
        Attempts = failure.Attempts
        Spooled = false
    }

    let private writeNames (json: Utf8JsonWriter) (report: FailureReport) =
        let optional = JsonLine.optional json
        optional "cellId" report.CellId
        optional "artifactName" report.ArtifactName
        optional "destination" report.Destination

    let private writeError (json: Utf8JsonWriter) (nameOfMessage: string) (report: FailureReport) =
        json.WriteString("kind", report.Kind)

        json.WriteString(
            nameOfMessage,
            if report.IsRedacted then report.Message else Redaction.text report.Message
        )

        match report.Status with
        | Some status -> json.WriteNumber("status", status)
        | None -> ()

        JsonLine.optional json "code" (report.Code |> Option.map Redaction.text)
        JsonLine.optional json "requestId" (report.RequestId |> Option.map Redaction.text)
        JsonLine.optional json "hostId" (report.HostId |> Option.map Redaction.text)

        if report.MayBeStored then
            json.WriteBoolean("mayBeStored", true)

        json.WriteNumber("attempts", report.Attempts)

        if report.Spooled then
            json.WriteBoolean("spooled", true)

    /// Writes the fields into an object that the writer has begun: a failure on its own, or within something else.
    let internal writeFields (json: Utf8JsonWriter) (report: FailureReport) =
        writeNames json report
        json.WriteStartObject "error"
        writeError json "message" report
        json.WriteEndObject()

    /// The failure as one line of JSON.
    [<CompiledName("ToJson")>]
    let toJson (report: FailureReport) : string =
        JsonLine.write (fun json -> writeFields json report)

    let private fields =
        JsonFields("failure", "This library did not write it, or it was damaged later.")

    /// Reads the fields of an object. What it reads is redacted: this library wrote it.
    let internal ofElement (root: JsonElement) : Result<FailureReport, Refusal> =
        result {
            let! cellId = fields.Optional root "cellId"
            let! artifactName = fields.Optional root "artifactName"
            let! destination = fields.Optional root "destination"
            let! error = fields.Object root "error"
            let! kind = fields.Required error "kind"
            let! message = fields.Required error "message"

            let! status =
                fields.OptionalWhole error "status" (int64 Int32.MinValue) (int64 Int32.MaxValue)

            let! code = fields.Optional error "code"
            let! requestId = fields.Optional error "requestId"
            let! hostId = fields.Optional error "hostId"
            let! mayBeStored = fields.Flag error "mayBeStored" false
            let! attempts = fields.Whole error "attempts" 0L (int64 Int32.MaxValue)
            let! spooled = fields.Flag error "spooled" false

            return {
                TargetKind = None
                TargetName = None
                CellId = cellId
                ArtifactName = artifactName
                Destination = destination
                Kind = kind
                Message = message
                IsRedacted = true
                Status = Option.map int status
                Code = code
                RequestId = requestId
                HostId = hostId
                MayBeStored = mayBeStored
                Attempts = int attempts
                Spooled = spooled
            }
        }

    /// The same without the object in between, with the message as the reason, and with what follows: what an event holds.
    let internal toEventData (writeMore: Utf8JsonWriter -> unit) (report: FailureReport) : string =
        JsonLine.write (fun json ->
            JsonLine.optional json "targetKind" report.TargetKind
            JsonLine.optional json "targetName" (report.TargetName |> Option.map Redaction.text)
            writeNames json report
            writeError json "reason" report
            writeMore json)
