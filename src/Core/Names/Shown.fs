namespace CellOS.Export.S3.Core

/// Texts for people, wherever they came from.
[<RequireQualifiedAccess>]
module Shown =

    /// A text on one line, without secrets, and with nothing in it that a terminal would act on or not show.
    [<CompiledName("Line")>]
    let line (value: string) : string = Check.visible (Redaction.text value)

    /// A sentence of this program, on one line, and with nothing in it that a terminal would act on or not show. Its quoted
    /// parts are without secrets already: to mask the whole again would damage its own words.
    [<CompiledName("Sentence")>]
    let sentence (value: string) : string = Check.visible value

    /// A name or a path, on one line, without the query of a URL that is in its place.
    [<CompiledName("Name")>]
    let name (value: string) : string = Check.plain value

    /// The name of an artifact on one line. It appears in receipts as it is, since one with a credential is refused.
    [<CompiledName("Artifact")>]
    let artifact (name: string) : string =
        if (ArtifactName.create name).IsOk then Check.visible name else Check.plain name

    /// An argument of a command line that has no meaning there: of an option its name alone. What looks like a credential is
    /// masked.
    [<CompiledName("Argument")>]
    let argument (value: string) : string =
        let shown =
            match value.IndexOfAny [| '='; ':' |] with
            | at when at > 0 && value.StartsWith '-' -> value.Substring(0, at)
            | _ -> value

        if CredentialForms.isCredential shown then Redaction.Mask else name shown

    /// At most the given number of characters of a text that has no secret. The middle of a longer one is omitted.
    /// `most` is 3 or more.
    [<CompiledName("Fitted")>]
    let fitted (most: int) (value: string) : string =
        let runes = (sentence value).EnumerateRunes() |> Seq.map string |> Array.ofSeq

        if runes.Length <= most then
            System.String.Concat runes
        else
            let head = (most - 1) / 2
            let tail = most - 1 - head

            System.String.Concat(
                Array.concat [ runes[.. head - 1]; [| "…" |]; runes[runes.Length - tail ..] ]
            )

    /// At most the given number of characters of a name or a path, on one line, without the query of a URL that is in its place. The
    /// middle of a longer one is omitted, since a path is known by both its ends. `most` is 3 or more.
    [<CompiledName("Short")>]
    let short (most: int) (value: string) : string = fitted most (name value)
