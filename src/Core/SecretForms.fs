namespace CellOS.Export.S3.Core

open System
open System.Buffers

/// The forms in which a known secret may stand in a text, and the text without them.
[<RequireQualifiedAccess>]
module internal SecretForms =

    /// Forms of fewer characters are passed over: they are no secret, and stand everywhere.
    [<Literal>]
    let Shortest = 6

    let private plain =
        SearchValues.Create "-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"

    /// Whether nothing in it is an escape, or would be escaped, or is padding: it has one form, as it is.
    let isPlain (secret: ReadOnlySpan<char>) = secret.IndexOfAnyExcept plain < 0

    let private formsOf (secret: string) =
        if isPlain (secret.AsSpan()) then
            [ secret ]
        else
            let unescaped = Uri.UnescapeDataString secret

            [
                secret
                unescaped
                // The padding of Base64 is no part of the secret.
                unescaped.TrimEnd '='
                Uri.EscapeDataString secret
                // As a form decodes it.
                Uri.UnescapeDataString(secret.Replace('+', ' '))
            ]

    /// No form of the secret has fewer characters. Of each percent-escape nothing may be left, where several of them
    /// make one character; and of the padding.
    let leastLength (secret: ReadOnlySpan<char>) =
        secret.Length - 3 * secret.Count '%' - secret.Count '='

    let private standsIn (text: string) (form: string) =
        form.Length >= Shortest
        && form.Length <= text.Length
        && text.Contains(form, StringComparison.OrdinalIgnoreCase)

    let private hasFormIn (text: string) (secret: string) =
        leastLength (secret.AsSpan()) <= text.Length
        && (if isPlain (secret.AsSpan()) then
                standsIn text secret
            else
                formsOf secret |> List.exists (standsIn text))

    let rec private anyHasFormIn (text: string) (secrets: string list) =
        match secrets with
        | [] -> false
        | secret :: others -> hasFormIn text secret || anyHasFormIn text others

    /// The text with the mask in place of every form of every secret, in any case; the longest are looked for first.
    let mask (mask: string) (secrets: string list) (text: string) : string =
        // Where none of them stands, nothing comes of looking for them one after the other.
        if not (anyHasFormIn text secrets) then
            text
        else
            secrets
            |> List.collect formsOf
            |> List.filter (fun form -> form.Length >= Shortest)
            |> List.distinct
            |> List.sortByDescending _.Length
            |> List.fold (fun text form -> text.Replace(form, mask, StringComparison.OrdinalIgnoreCase)) text
