namespace CellOS.Export.S3.Core

open System
open FsToolkit.ErrorHandling

/// Reads the URLs that a program gives one at a time.
[<RequireQualifiedAccess>]
module ProvidedUrl =

    let private sentences (defect: UrlDefect) =
        $"{Char.ToUpperInvariant defect.What[0]}{defect.What.Substring 1}. {defect.Remedy}"

    /// Returns the URL in a text, or in sentences why no store can accept it: what is refused in a manifest, and what
    /// `check` reports as an error there. No sentence contains a value of the query.
    [<CompiledName("Parse")>]
    let parse (text: string) : Result<RequestUrl, string> =
        RequestUrl.parse text
        |> Result.mapError _.Message
        |> Result.bind (fun url ->
            match UrlDefects.find true false url |> List.tryFind _.IsFatal with
            | Some defect -> Error(sentences defect)
            | None -> Ok url)
