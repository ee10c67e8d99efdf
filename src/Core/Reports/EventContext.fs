namespace CellOS.Export.S3.Core

open System
open System.Text.Json
open FsToolkit.ErrorHandling

/// What the events and statements of one run have in common, where it is known. Receipts do not contain it.
type EventContext = private {
    Spec: string option
    Run: string option
    Parent: string option
} with

    /// The `id` below `spec` in the cell spec.
    member this.SpecId = this.Spec
    /// The id of the run.
    member this.RunId = this.Run
    /// Where the run comes from: the id of the event that caused it.
    member this.Provenance = this.Parent

/// Makes contexts of events.
[<RequireQualifiedAccess>]
module EventContext =

    /// The most characters of a run id.
    [<Literal>]
    let MaxRunId = 128

    /// The most bytes of a provenance, in UTF-8.
    [<Literal>]
    let MaxProvenance = 1024

    /// True if a text is a run id: 1 to 128 visible ASCII characters without blanks, and not a URL.
    let internal isRunId (text: string) =
        text.Length > 0
        && text.Length <= MaxRunId
        && text.AsSpan().IndexOfAnyExceptInRange('!', '~') < 0
        && not (Redaction.looksLikeUrl text)

    /// A context in which nothing is known.
    [<CompiledName("None")>]
    let none: EventContext = {
        Spec = None
        Run = None
        Parent = None
    }

    let private checkRunId (text: string) =
        if isRunId text then
            Ok text
        else
            Check.refuse
                "run id"
                $"{Check.quote text} is not valid"
                $"Give 1 to {MaxRunId} visible ASCII characters without blanks, and not a URL."

    let private checkProvenance (text: string) =
        let problem =
            if String.IsNullOrWhiteSpace text then
                Some "is empty"
            elif Check.utf8Length text > MaxProvenance then
                Some $"is longer than {MaxProvenance} bytes in UTF-8"
            else
                Check.unprintable text |> Option.orElse (Check.credentialProblem text)

        match problem with
        | Some problem ->
            Check.refuse "provenance" problem "Give the id of the event that caused the run, or none."
        | None -> Ok text

    /// Checks a context. A spec id is a cell id; a run id has 1 to 128 visible ASCII
    /// characters without blanks; a provenance has at most 1,024 bytes in UTF-8 and no control character.
    [<CompiledName("Create")>]
    let create
        (specId: string option)
        (runId: string option)
        (provenance: string option)
        : Result<EventContext, Refusal> =
        result {
            let! spec =
                specId |> Option.traverseResult (CellId.create >> Result.map CellId.value)

            let! run = Option.traverseResult checkRunId runId
            let! parent = Option.traverseResult checkProvenance provenance

            return {
                Spec = spec
                Run = run
                Parent = parent
            }
        }

    /// Writes the fields into an object that the writer has begun: `specId`, `runId`, `provenance`.
    let internal writeFields (json: Utf8JsonWriter) (context: EventContext) =
        JsonLine.optional json "specId" context.Spec
        JsonLine.optional json "runId" context.Run
        JsonLine.optional json "provenance" (context.Parent |> Option.map Redaction.text)
