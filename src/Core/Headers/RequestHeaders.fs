namespace CellOS.Export.S3.Core

open System
open System.Collections.Generic
open FsToolkit.ErrorHandling

/// The media type of an artifact, which goes as `Content-Type`.
[<RequireQualifiedAccess>]
module internal ContentType =

    /// Visible ASCII and blanks, at most 255 characters.
    let create (contentType: string) : Result<string, Refusal> =
        let value = contentType.Trim()

        if
            value = ""
            || value.Length > 255
            || value |> Seq.exists (fun c -> c < ' ' || c > '~')
        then
            Check.refuse
                "content type"
                $"{Check.quote value} is not a media type"
                "Give one such as 'text/plain', in ASCII and at most 255 characters, or leave it out."
        else
            Ok value

/// All headers that a caller asks for at once.
[<RequireQualifiedAccess>]
module RequestHeaders =

    let private twice (header: RequestHeader) = {
        Subject = $"header {Check.quote header.Name}"
        Problem = "is given twice; case makes no difference in a header's name"
        Remedy = "Keep one of them."
    }

    /// The headers in the order of their names, or all that is wrong with them.
    [<CompiledName("Create")>]
    let create (given: KeyValuePair<string, string> seq) : Validation<RequestHeader list, Refusal> =
        let headers = SortedDictionary<string, RequestHeader>(StringComparer.Ordinal)
        let problems = ResizeArray<Refusal>()

        for pair in given do
            match RequestHeader.create pair.Key pair.Value with
            | Error refusal -> problems.Add refusal
            | Ok header ->
                if not (headers.TryAdd(RequestHeader.key header, header)) then
                    problems.Add(twice header)

        if problems.Count = 0 then
            Ok(List.ofSeq headers.Values)
        else
            Error(List.ofSeq problems)

    /// Both lists in the order of their names; of a name that is in both, the second list's.
    let internal merge (general: RequestHeader list) (special: RequestHeader list) : RequestHeader list =
        let headers = SortedDictionary<string, RequestHeader>(StringComparer.Ordinal)

        for header in general @ special do
            headers[RequestHeader.key header] <- header

        List.ofSeq headers.Values

/// Headers as lines of text.
type HeaderLines = {
    /// `Content-Type`, which is no header among others: it has a place of its own in an artifact's metadata.
    ContentType: string option
    /// The others, in the order of their names.
    Headers: RequestHeader list
}

/// Reads headers from lines of text.
[<RequireQualifiedAccess>]
module HeaderLines =

    /// Name and value of a line `NAME: VALUE`. What is wrong with it is told without the line, which may hold a secret.
    let private split (line: string) : Result<KeyValuePair<string, string>, Refusal> =
        match line.IndexOf ':' with
        | -1 -> Check.refuse "header" "has no colon" "Give it as 'NAME: VALUE'."
        | i -> Ok(KeyValuePair(line.Substring(0, i).Trim(' ', '\t'), line.Substring(i + 1)))

    let private isContentType (pair: KeyValuePair<string, string>) =
        pair.Key.Equals("Content-Type", StringComparison.OrdinalIgnoreCase)

    let private contentType (pairs: KeyValuePair<string, string> list) : Validation<string option, Refusal> =
        match pairs with
        | [] -> Ok None
        | [ pair ] -> ContentType.create pair.Value |> Result.map Some |> Validation.ofResult
        | _ ->
            Error [
                {
                    Subject = "header 'Content-Type'"
                    Problem = "is given twice"
                    Remedy = "Keep one of them."
                }
            ]

    /// Lines as a command line gives them, `NAME: VALUE` each; or all that is wrong with them.
    [<CompiledName("Parse")>]
    let parse (lines: string seq) : Validation<HeaderLines, Refusal> =
        validation {
            let split = [ for line in lines -> split line ]
            let pairs = split |> List.choose Result.toOption

            let! () =
                match
                    split
                    |> List.choose (function
                        | Error refusal -> Some refusal
                        | Ok _ -> None)
                with
                | [] -> Ok()
                | refusals -> Error refusals

            and! contentType = pairs |> List.filter isContentType |> contentType
            and! headers = pairs |> List.filter (isContentType >> not) |> RequestHeaders.create

            return {
                ContentType = contentType
                Headers = headers
            }
        }
