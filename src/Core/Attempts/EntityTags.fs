namespace CellOS.Export.S3.Core

open System
open System.Collections.Generic

/// Reads the field `ETag`.
[<RequireQualifiedAccess>]
module internal EntityTags =

    /// The entity tags of a field that may have several, each with its quotes (RFC 9110, 8.8.3).
    let split (field: string) : string list =
        let isComma i =
            field[i] = ',' && (field.AsSpan(0, i).Count '"') % 2 = 0

        if field.Contains ',' then
            let commas = [
                for i in 0 .. field.Length - 1 do
                    if isComma i then
                        i
            ]

            List.zip (-1 :: commas) (commas @ [ field.Length ])
            |> List.map (fun (before, stop) -> field.Substring(before + 1, stop - before - 1).Trim())
        else
            [ field.Trim() ]

    /// True if the text has more than the marks of a tag.
    let isOne (tag: string) : bool = tag.AsSpan().Trim("W/\" ").Length > 0

    let private isWeak (tag: string) =
        tag.StartsWith("W/", StringComparison.Ordinal)

    /// What a server appends to the ETag of a response that it compresses.
    let private compressions = [ "-gzip"; "-br"; "-deflate"; "-zstd"; ";gzip" ]

    let private withoutCompression (tag: string) =
        match
            compressions
            |> List.tryFind (fun mark -> tag.EndsWith(mark, StringComparison.OrdinalIgnoreCase))
        with
        | Some mark -> tag.Substring(0, tag.Length - mark.Length)
        | None -> tag

    /// The tag without quotes, without the mark of a weak one, and without that of a compression.
    let bare (tag: string) : string =
        let tag = tag.Trim()
        let tag = if isWeak tag then tag.Substring 2 else tag
        (withoutCompression (tag.Trim '"')).Trim '"'

    /// The digests of no bytes, as servers write them.
    let private ofNothing =
        HashSet(
            [ DigestAlgorithm.Md5; DigestAlgorithm.Sha1; DigestAlgorithm.Sha256 ]
            |> List.map Digest.ofEmptyContent
            |> List.collect (fun digest ->
                let url = digest.Base64.Replace('+', '-').Replace('/', '_')
                [ digest.Hex; digest.Base64; digest.Base64.TrimEnd '='; url; url.TrimEnd '=' ]),
            StringComparer.OrdinalIgnoreCase
        )

    /// True if a tag may be about the empty body of a response: it states the size 0, or a digest of no bytes.
    let private mayBeOfNothing (tag: string) =
        let tag = bare tag

        tag.StartsWith("0-", StringComparison.Ordinal)
        || tag.EndsWith("-0", StringComparison.Ordinal)
        || ofNothing.Contains tag

    /// True if a tag may be one that only a store sets. Web servers and frameworks set weak ones, and those of the body of
    /// their response.
    let isMark (tag: string) : bool =
        not (isWeak (tag.Trim())) && not (mayBeOfNothing tag)
