namespace CellOS.Export.S3.Core

open System.Collections.Generic
open FsToolkit.ErrorHandling

/// One artifact as a caller writes it down, before anything is checked.
[<Struct>]
type ArtifactDraft = {
    /// The artifact's name.
    Name: string | null
    /// The file.
    Path: string | null
    /// Null for none.
    ContentType: string | null
    /// Names and values of headers of its own.
    Headers: KeyValuePair<string, string> seq
}

/// Artifacts that are to go through one target together, before anything is checked.
type BatchDraft = {
    /// How many pushes may be under way at once.
    Concurrency: int
    /// What is to be exported, in this order.
    Artifacts: ArtifactDraft seq
}

/// Rules that this module keeps:
/// - all that is wrong is reported at once, by the artifact's place in the list;
/// - names are compared octet for octet, as S3 compares keys: `a` and `A` are two artifacts;
/// - a URL that names one object takes one artifact.
[<RequireQualifiedAccess>]
module BatchDraft =

    /// How many pushes are under way at once, unless the caller says otherwise.
    [<Literal>]
    let DefaultConcurrency = 4

    /// The most pushes that may be under way at once.
    [<Literal>]
    let MaxConcurrency = 256

    /// The most problems that are put into words: people do not read a list of 100,000 bad names.
    [<Literal>]
    let MostTold = 50

    let private concurrencyProblem (concurrency: int) =
        if concurrency >= 1 && concurrency <= MaxConcurrency then
            None
        else
            Some {
                Subject = "number of pushes at once"
                Problem = Check.invariant $"is {concurrency}"
                Remedy = $"Give 1 to {MaxConcurrency}."
            }

    /// What is wrong with a number of pushes at once; nothing if it may be used.
    [<CompiledName("OnConcurrency")>]
    let onConcurrency (concurrency: int) : Refusal list =
        concurrencyProblem concurrency |> Option.toList

    /// What is wrong with the metadata of an artifact.
    [<CompiledName("CheckMetadata")>]
    let checkMetadata (draft: ArtifactDraft) : Validation<unit, Refusal> =
        validation {
            let! _ =
                match draft.ContentType with
                | null -> Ok None
                | contentType -> ContentType.create contentType |> Result.map Some

            and! _ = RequestHeaders.create draft.Headers
            return ()
        }

    let private path (draft: ArtifactDraft) : Result<unit, Refusal> =
        match draft.Path with
        | null -> Check.refuse "path" "is missing" "Give the file that is to be exported."
        | _ -> Ok()

    /// The name, if the artifact may be exported to a destination that the name fits.
    let private accept
        (fits: ArtifactName -> Result<unit, Refusal>)
        (draft: ArtifactDraft)
        : Validation<ArtifactName, Refusal> =
        validation {
            let! name =
                ArtifactName.create (draft.Name |> Option.ofObj |> Option.defaultValue "")
                |> Result.bind (fun name -> fits name |> Result.map (fun () -> name))

            and! () = checkMetadata draft
            and! () = path draft
            return name
        }

    /// The number of artifacts, and all that keeps them from being exported together to a destination that their names fit.
    /// They are walked through once.
    let internal walk (fits: ArtifactName -> Result<unit, Refusal>) (batch: BatchDraft) : int * Refusal list =
        let places = Dictionary<ArtifactName, int>()

        let twice (first: int) (name: ArtifactName) = {
            Subject = "artifact name"
            Problem =
                Check.invariant
                    $"({ArtifactName.quote name}) is that of artifact {first} as well, and one would overwrite the other"
            Remedy = "Give each artifact a name of its own."
        }

        let problemsOf (place: int) (draft: ArtifactDraft) =
            match accept fits draft with
            | Ok name when places.TryAdd(name, place) -> []
            | Ok name -> [ twice places[name] name ]
            | Error refusals -> refusals
            |> List.map (fun refusal -> {
                refusal with
                    Subject = Check.invariant $"{refusal.Subject} of artifact {place}"
            })

        let mutable count = 0

        let problems = [
            yield! concurrencyProblem batch.Concurrency |> Option.toList

            for draft in batch.Artifacts do
                count <- count + 1
                yield! problemsOf count draft
        ]

        count, problems

    /// All that keeps the artifacts from being pushed through the target together; nothing if they may be.
    /// They are walked through once.
    [<CompiledName("Problems")>]
    let problems (target: Target) (batch: BatchDraft) : Refusal list =
        let fits name =
            PushPlan.create target name |> Result.map ignore

        let count, problems = walk fits batch

        match target.Url with
        | Some template when count > 1 && UrlTemplate.namesOneObject template ->
            {
                Subject = "upload URL"
                Problem =
                    Check.invariant
                        $"names one object, and {count} artifacts are to go there: one would overwrite the other"
                Remedy =
                    $"Give each artifact a URL of its own, or a template with {UrlTemplate.ArtifactNamePlaceholder}."
            }
            :: problems
        | _ -> problems

    /// All that keeps the artifacts from being exported together through a sink of which nothing is known.
    [<CompiledName("ProblemsOfAnySink")>]
    let problemsOfAnySink (batch: BatchDraft) : Refusal list = walk (fun _ -> Ok()) batch |> snd

    /// The problems in words: the first of them, and how many more there are.
    [<CompiledName("Message")>]
    let message (problems: Refusal list) : string =
        let told = problems |> List.truncate MostTold |> List.map _.Message
        let more = problems.Length - told.Length

        String.concat " " [
            yield! told

            if more > 0 then
                Check.invariant $"There are {more} more problems of this kind."
        ]
