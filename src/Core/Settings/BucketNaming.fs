namespace CellOS.Export.S3.Core

open System
open System.Net

/// The AWS rules for the names of buckets (Amazon S3 User Guide, "General purpose bucket naming rules"). Other
/// stores have others, so breaking them is a finding and no error.
[<RequireQualifiedAccess>]
module internal BucketNaming =

    let private reservedStarts = [ "xn--"; "sthree-"; "amzn-s3-demo-" ]

    let private reservedEnds = [ "-s3alias"; "--ol-s3"; ".mrap"; "--table-s3" ]

    let rec private first (isSuch: string -> bool) (texts: string list) =
        match texts with
        | [] -> None
        | text :: _ when isSuch text -> Some text
        | _ :: others -> first isSuch others

    /// `name--zone--x-s3` (Amazon S3 User Guide, "Directory bucket naming rules").
    let private isDirectory (name: string) =
        let parts = name.Split "--"

        parts.Length >= 3 && parts[parts.Length - 2] <> "" && not (name.Contains '.')

    /// What AWS has against a name; `None` if nothing.
    let problem (name: string) =
        let isEdge c =
            Char.IsAsciiLetterLower c || Char.IsAsciiDigit c

        if name.Length < 3 || name.Length > 63 then
            Some $"has {name.Length} characters, not 3 to 63"
        elif name |> String.exists (fun c -> not (isEdge c || c = '-' || c = '.')) then
            Some "holds other characters than lower-case letters, digits, '.' and '-'"
        elif not (isEdge name[0] && isEdge name[name.Length - 1]) then
            Some "does not begin and end with a letter or digit"
        elif name.Contains ".." then
            Some "has two dots in a row"
        elif name.Split('.').Length = 4 && (IPAddress.TryParse name |> fst) then
            Some "is an IP address"
        else
            let starts =
                reservedStarts
                |> first (fun start -> name.StartsWith(start, StringComparison.Ordinal))

            let ends =
                reservedEnds
                |> first (fun stop -> name.EndsWith(stop, StringComparison.Ordinal))

            match starts, ends with
            | None, None when name.EndsWith("--x-s3", StringComparison.Ordinal) && not (isDirectory name) ->
                Some "ends with '--x-s3', which is reserved for directory buckets (name--zone--x-s3)"
            | Some start, _ -> Some $"begins with '{start}', which is reserved"
            | None, Some stop -> Some $"ends with '{stop}', which is reserved"
            | None, None -> None
