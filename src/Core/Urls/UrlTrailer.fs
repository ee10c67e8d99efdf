namespace CellOS.Export.S3.Core

open System

/// What follows a URL that was copied with it.
type internal UrlTrailer = {
    /// With its article.
    Name: string
    /// The URL before it. It holds a credential.
    Before: string
    /// The name of the parameter that it was joined to.
    Parameter: string
}

/// Recognizes what was copied with a URL from a sentence, from code or from a file.
[<RequireQualifiedAccess>]
module internal UrlTrailer =

    /// What may follow a URL in a sentence, in code or in a line that was copied with it.
    let private trailers = [
        ".", "a full stop"
        ",", "a comma"
        ";", "a semicolon"
        ":", "a colon"
        "!", "an exclamation mark"
        "?", "a question mark"
        "*", "an asterisk"
        ")", "a bracket"
        "]", "a bracket"
        "'", "a quotation mark"
        "/", "a slash"
        "%0A", "a percent-encoded line break"
        "%0D", "a percent-encoded line break"
        "%20", "a percent-encoded space"
        "%09", "a percent-encoded tab"
        "%00", "a percent-encoded NUL"
        "%22", "a percent-encoded quotation mark"
        "%27", "a percent-encoded quotation mark"
        "%3E", "a percent-encoded angle bracket"
        "%5C", "a percent-encoded backslash"
        "%E2%80%8B", "a percent-encoded zero-width space"
        "%EF%BB%BF", "a percent-encoded byte order mark"
        "%C2%A0", "a percent-encoded no-break space"
    ]

    let rec private withoutTrailer (found: string option) (text: string) : string * string option =
        match
            trailers
            |> List.tryFind (fun (trailer, _) -> text.EndsWith(trailer, StringComparison.OrdinalIgnoreCase))
        with
        | Some(trailer, name) ->
            // The last one is reported that was written first.
            withoutTrailer (Some name) (text.Substring(0, text.Length - trailer.Length))
        | None -> text, found

    /// What follows the last parameter of a query; `None` if the parameter has no other value.
    let find (url: RequestUrl) : UrlTrailer option =
        match withoutTrailer None url.Value with
        | before, Some name when before.Length > url.QueryFirst ->
            let last =
                QueryParameter.at before (max url.QueryFirst (before.LastIndexOf '&' + 1))

            if (QueryParameter.value before last).IsEmpty then
                None
            else
                Some {
                    Name = name
                    Before = before
                    Parameter = Uri.UnescapeDataString((QueryParameter.name before last).ToString())
                }
        | _ -> None
