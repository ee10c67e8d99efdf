namespace CellOS.Export.S3.Core

open System
open System.Text.Json
open FsToolkit.ErrorHandling

/// How a run ended.
[<RequireQualifiedAccess>]
type SealOutcome =
    /// Each artifact has ended, with a receipt or a failure.
    | Completed
    /// A signal, or a fault of the exporter, ended the run before its end.
    | Interrupted

    /// The word in a statement.
    member this.Name =
        match this with
        | Completed -> "completed"
        | Interrupted -> "interrupted"

    override this.ToString() = this.Name

/// What a seal states of one run and one target.
type SealStatement = {
    /// The run; all statements of one run have the same id. 1 to 128 visible ASCII characters, without blanks.
    RunId: string
    /// The cell whose evidence was exported.
    CellId: string
    /// The target's name in the cell spec.
    TargetName: string
    /// The place in the chain, 1 or more.
    Sequence: int64
    /// The SHA-256 of the bytes of the previous line without its LF, in hexadecimal digits; `None` for the first line.
    Previous: string option
    /// When the run began.
    StartedAt: DateTimeOffset
    /// When the last result was known.
    FinishedAt: DateTimeOffset
    /// How the run ended.
    Outcome: SealOutcome
    /// The number of artifacts that the run was asked to export to the target.
    Planned: int64
    /// The number of artifacts that were left out because they have receipts of earlier runs.
    Skipped: int64
    /// The receipts of everything that the run stored.
    Receipts: Receipt list
    /// Everything that ended without a receipt. What was under way or not begun when a run was interrupted is in neither list.
    Failures: FailureReport list
    /// The program that exported, and its version.
    ToolVersion: string
}

/// Writes and reads the payload of seals: an in-toto Statement v1 of a run.
///
/// Rules that this module keeps:
/// - the same statement gives the same bytes;
/// - a subject is the key of a stored object, with its SHA-256, in the order of the receipts. A run that stored nothing has no
///   subject;
/// - receipts and failures have the fields of `Receipt.toJson` and `FailureReport.toJson`, in their order;
/// - the counts of stored and failed artifacts are those of the lists, and the sum of all counts is at most that of the planned
///   ones;
/// - what `toPayload` writes, `parse` gives back, times to the millisecond; fields that it does not know it ignores, and
///   statements that contradict themselves it rejects;
/// - `parse` is total on any bytes.
[<RequireQualifiedAccess>]
module SealStatement =

    /// The type of the predicate: what one run exported to one target.
    [<Literal>]
    let PredicateType = "https://cellos.dev/attestations/export-run/v1"

    let private fields =
        JsonFields(
            "statement of a run",
            "This library did not write the statement, or it was damaged before it was signed."
        )

    /// The key of an object; of destinations that are not `s3://bucket/key`, the destination.
    [<CompiledName("SubjectName")>]
    let subjectName (receipt: Receipt) : string =
        let scheme = "s3://"

        match receipt.Destination with
        | destination when destination.StartsWith(scheme, StringComparison.Ordinal) ->
            match destination.IndexOf('/', scheme.Length) with
            | -1 -> destination
            | slash -> destination.Substring(slash + 1)
        | destination -> destination

    let private subjectOf (receipt: Receipt) =
        struct (subjectName receipt, receipt.Sha256.ToLowerInvariant())

    let private isDigest (text: string) =
        Receipt.isSha256 text && text = text.ToLowerInvariant()

    /// What contradicts the rules of a statement.
    let private problem (statement: SealStatement) : string option =
        let results = int64 statement.Receipts.Length + int64 statement.Failures.Length

        if not (EventContext.isRunId statement.RunId) then
            Some $"does not have 1 to {EventContext.MaxRunId} visible ASCII characters in 'runId'"
        elif statement.Sequence < 1L then
            Some "does not have a number of 1 or more in 'sequence'"
        elif statement.Previous.IsNone <> (statement.Sequence = 1L) then
            Some "has a 'previous' that does not fit 'sequence': the first line alone follows no other"
        elif not (statement.Previous |> Option.forall isDigest) then
            Some "does not have 64 hexadecimal digits in lower case in 'previous'"
        elif statement.Planned < 0L || statement.Skipped < 0L then
            Some "has a negative count"
        elif results > statement.Planned - statement.Skipped then
            Some "has more results than 'planned' artifacts"
        elif
            statement.Outcome = SealOutcome.Completed
            && results < statement.Planned - statement.Skipped
        then
            Some "is of a completed run and has fewer results than 'planned' artifacts"
        elif
            not (
                statement.Receipts
                |> List.forall (fun receipt -> Receipt.isSha256 receipt.Sha256)
            )
        then
            Some "has a receipt without 64 hexadecimal digits in 'sha256'"
        else
            None

    /// Returns the bytes to sign. Rejects statements that contradict themselves.
    [<CompiledName("ToPayload")>]
    let toPayload (statement: SealStatement) : Result<byte[], Refusal> =
        match problem statement with
        | Some problem ->
            Check.refuse
                "statement of a run"
                problem
                "Give the values of the run: each artifact has one result at most."
        | None ->
            JsonLine.writeUtf8 (fun json ->
                json.WriteString("_type", InTotoStatement.StatementType)
                json.WriteStartArray "subject"

                for receipt in statement.Receipts do
                    let struct (name, sha256) = subjectOf receipt
                    json.WriteStartObject()
                    json.WriteString("name", name)
                    json.WriteStartObject "digest"
                    json.WriteString("sha256", sha256)
                    json.WriteEndObject()
                    json.WriteEndObject()

                json.WriteEndArray()
                json.WriteString("predicateType", PredicateType)
                json.WriteStartObject "predicate"
                json.WriteString("runId", statement.RunId)
                json.WriteString("cellId", statement.CellId)
                json.WriteString("target", statement.TargetName)
                json.WriteNumber("sequence", statement.Sequence)

                match statement.Previous with
                | Some previous -> json.WriteString("previous", previous)
                | None -> json.WriteNull "previous"

                json.WriteString("startedAt", Receipt.timestamp statement.StartedAt)
                json.WriteString("finishedAt", Receipt.timestamp statement.FinishedAt)
                json.WriteString("outcome", statement.Outcome.Name)
                json.WriteString("toolVersion", statement.ToolVersion)
                json.WriteStartObject "counts"
                json.WriteNumber("planned", statement.Planned)
                json.WriteNumber("stored", statement.Receipts.Length)
                json.WriteNumber("failed", statement.Failures.Length)
                json.WriteNumber("skipped", statement.Skipped)
                json.WriteEndObject()
                json.WriteStartArray "receipts"

                for receipt in statement.Receipts do
                    json.WriteStartObject()
                    Receipt.writeFields json receipt
                    json.WriteEndObject()

                json.WriteEndArray()
                json.WriteStartArray "failures"

                for failure in statement.Failures do
                    json.WriteStartObject()
                    FailureReport.writeFields json failure
                    json.WriteEndObject()

                json.WriteEndArray()
                json.WriteEndObject())
            |> Ok

    let private requireText root name (expected: string) =
        fields.Required root name
        |> Result.bind (fun text ->
            if text = expected then
                Ok()
            else
                fields.Refuse $"does not have '{expected}' in '{name}'")

    let private subject (element: JsonElement) =
        result {
            let! name = fields.Required element "name"
            let! digest = fields.Object element "digest"
            let! sha256 = fields.Required digest "sha256"
            return struct (name, sha256)
        }

    let private outcome root =
        fields.Required root "outcome"
        |> Result.bind (fun name ->
            match name with
            | "completed" -> Ok SealOutcome.Completed
            | "interrupted" -> Ok SealOutcome.Interrupted
            | _ -> fields.Refuse "does not have 'completed' or 'interrupted' in 'outcome'")

    let private require condition problem =
        if condition then Ok() else fields.Refuse problem

    let private ofRoot (root: JsonElement) =
        result {
            do! requireText root "_type" InTotoStatement.StatementType
            do! requireText root "predicateType" PredicateType
            let! subjects = fields.Objects root "subject" subject
            let! predicate = fields.Object root "predicate"

            let count from name =
                fields.Whole from name 0L Int64.MaxValue

            let! runId = fields.Required predicate "runId"
            let! cellId = fields.Required predicate "cellId"
            let! target = fields.Required predicate "target"
            let! sequence = fields.Whole predicate "sequence" 1L Int64.MaxValue
            let! previous = fields.Optional predicate "previous"
            let! startedAt = fields.Time predicate "startedAt"
            let! finishedAt = fields.Time predicate "finishedAt"
            let! outcome = outcome predicate
            let! toolVersion = fields.Required predicate "toolVersion"
            let! counts = fields.Object predicate "counts"
            let! planned = count counts "planned"
            let! stored = count counts "stored"
            let! failed = count counts "failed"
            let! skipped = count counts "skipped"
            let! receipts = fields.Objects predicate "receipts" Receipt.ofElement
            let! failures = fields.Objects predicate "failures" FailureReport.ofElement

            let statement = {
                RunId = runId
                CellId = cellId
                TargetName = target
                Sequence = sequence
                Previous = previous
                StartedAt = startedAt
                FinishedAt = finishedAt
                Outcome = outcome
                Planned = planned
                Skipped = skipped
                Receipts = receipts
                Failures = failures
                ToolVersion = toolVersion
            }

            do! require (stored = int64 receipts.Length) "has another number of receipts than 'stored' says"
            do! require (failed = int64 failures.Length) "has another number of failures than 'failed' says"

            match problem statement with
            | Some problem -> do! fields.Refuse problem
            | None -> ()

            do!
                require
                    (subjects = List.map subjectOf receipts)
                    "has subjects that are not those of the receipts"

            return statement
        }

    /// Parses the payload of a seal. The signature is the caller's to check.
    [<CompiledName("Parse")>]
    let parse (payload: ReadOnlyMemory<byte>) : Result<SealStatement, Refusal> = fields.Parse payload ofRoot
