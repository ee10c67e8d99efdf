namespace CellOS.Export.S3.Core

open System
open System.Text.Json
open FsToolkit.ErrorHandling

/// Reads the lines of a push's standard output that are not receipts themselves.
///
/// Rules that this module keeps:
/// - the data of a CloudEvents event of a completed export is a receipt, and so is the predicate of an in-toto statement whose
///   one subject has the SHA-256 of that receipt;
/// - the failure of an artifact, alone or in an event, is not a receipt, and is not damaged;
/// - `tryParse` is total on any bytes.
[<RequireQualifiedAccess>]
module ReceiptForms =

    let private fields =
        JsonFields("line", "This library did not write it, or it was damaged later.")

    let private text (root: JsonElement) (name: string) : string option =
        match fields.Optional root name with
        | Ok text -> text
        | Error _ -> None

    /// The receipt of a statement of one artifact.
    let private ofStatement (root: JsonElement) : Result<Receipt, Refusal> =
        result {
            let! receipt = fields.Object root "predicate" |> Result.bind Receipt.ofElement

            let! digests =
                fields.Objects root "subject" (fun subject ->
                    fields.Object subject "digest"
                    |> Result.bind (fun digest -> fields.Required digest "sha256"))

            if digests <> [ receipt.Sha256.ToLowerInvariant() ] then
                do! fields.Refuse "has another subject than its receipt"

            return receipt
        }

    let private ofRoot (root: JsonElement) : Result<LogLine list, Refusal> =
        match text root "_type", text root "predicateType", text root "type" with
        | Some InTotoStatement.StatementType, Some InTotoStatement.PredicateType, _ ->
            ofStatement root |> Result.map (LogLine.Receipt >> List.singleton)
        | None, _, Some CloudEvent.CompletedType ->
            fields.Object root "data"
            |> Result.bind Receipt.ofElement
            |> Result.map (LogLine.Receipt >> List.singleton)
        | None, _, Some CloudEvent.FailedType -> fields.Object root "data" |> Result.map (fun _ -> [])
        | None, _, None -> FailureReport.ofElement root |> Result.map (fun _ -> [])
        | _ -> fields.Refuse "is not in a form that holds a receipt"

    /// Returns the receipt of a line as one item, no item for a failure, and `None` for every other line.
    [<CompiledName("TryParse")>]
    let tryParse (line: ReadOnlyMemory<byte>) : LogLine list option =
        fields.Parse line ofRoot |> Result.toOption

    /// Before the first byte of a file of receipts, in which lines may have these forms.
    [<CompiledName("Start")>]
    let start: LogScan = ReceiptLog.startWith tryParse
