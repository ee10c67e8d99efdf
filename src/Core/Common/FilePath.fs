namespace CellOS.Export.S3.Core

open System

/// Paths of files that a setting names. The content of the file may be in the path's place, or a URL.
[<RequireQualifiedAccess>]
module FilePath =

    /// True if a value looks like the content of a file with a credential: it has several lines, or is a credential by its form.
    let private isContent (value: string) =
        value.AsSpan().IndexOfAny("\r\n") >= 0
        || value.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase)
        || value.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase)
        || value.Contains "-----BEGIN"
        || CredentialForms.isKnownIn value

    /// True if a part of a path is a word, as nearly every path has one: `etc`, `run`, `secrets`.
    let private isWord (segment: string) =
        segment.Length >= 2
        && segment |> Seq.forall (fun c -> Char.IsAsciiLetterLower c || c = '-' || c = '_')

    /// The most characters of the ending of a file's name.
    [<Literal>]
    let private LongestEnding = 8

    let private hasEnding (value: string) =
        value.Contains '.' && value.Length - value.LastIndexOf '.' - 1 <= LongestEnding

    /// True if a value without words and without the ending of a file's name looks random: Base64 may contain a '/'.
    let private looksRandom (value: string) =
        not (value.Contains '\\' || hasEnding value)
        && not (value.Split '/' |> Array.exists isWord)
        && PathTokens.looksRandom (value.Replace("/", "").Replace("+", ""))

    let private contentProblem =
        "The value looks like the content of a file, not like its path"

    /// Returns what is certainly wrong with a value in the place of a path. No part of the value is quoted,
    /// except for that of a URL outside its query.
    let internal certainProblem (value: string) : string option =
        if isContent value then
            Some contentProblem
        elif Redaction.looksLikeUrl value then
            Some $"The value is a URL or a part of one ({Check.quote value})"
        else
            None

    /// Returns what is wrong with a value that does not lead to a file, as a sentence without its full stop; null if it looks
    /// like a path.
    [<CompiledName("Problem")>]
    let problem (value: string) : string | null =
        certainProblem value
        |> Option.orElseWith (fun () -> if looksRandom value then Some contentProblem else None)
        |> Option.toObj

    /// Returns a value that should be a path, fit to be shown: what looks like the content of a file is masked.
    [<CompiledName("Show")>]
    let show (value: string) : string =
        if isContent value || looksRandom value then
            Redaction.Mask
        else
            Check.plain value
