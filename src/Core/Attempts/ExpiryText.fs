namespace CellOS.Export.S3.Core

open System
open System.Globalization
open System.Text.RegularExpressions

/// Finds out whether a server's text says that a URL, or what it was signed with, has expired.
///
/// Rules that this module keeps:
/// - a text says so if it contains "expir" in any form: `ExpiredToken`, "has expired", "Expiry", "expiration";
/// - the noun that belongs to the word decides: behind it in "expired license", else the nearest before it in its clause,
///   else the nearest behind it. A license, a certificate, an account, a password, a lease and the like are not the URL.
///   Without a noun, and with any other one, the text counts;
/// - names of parameters and headers (`X-Amz-Expires`, `x-amz-expiration`), and what will expire later, say nothing;
/// - the text must be the server's own, before secrets are masked: a mask may hide the word ("token: expired");
/// - it takes time in proportion to the text.
[<RequireQualifiedAccess>]
module internal ExpiryText =

    /// The numbers of characters before and behind the word that belong to its clause at most.
    let private before, private behind = 200, 80

    let private options =
        RegexOptions.IgnoreCase
        ||| RegexOptions.CultureInvariant
        ||| RegexOptions.Compiled

    /// What is neither the URL nor a credential that signs it.
    let private others =
        "licen[cs]e|certificate|\\bcerts?\\b|account|password|passphrase|(?<!p|re)lease|\\btrial|evaluation|subscription|"
        + "contract|membership|warranty|retention|retain|life-?cycle|\\block|legal hold|domain"

    /// The URL and what it was signed with.
    let private own =
        "request|\\burls?\\b|\\buri\\b|link|token|signature|signed|presign|policy|credential|session|key|authenticat|authori[sz]"

    let private noun = Regex($"(?<other>{others})|(?<own>{own})", options)

    /// The words behind "expired" that may be its noun: three at most, up to a punctuation mark.
    let private wordsBehind = Regex(@"\G[a-z]*(?: +[a-z0-9-]+){0,3}", options)

    /// The end of a sentence, or of a string in JSON.
    let private clauseEnd = Regex("[.!?](?=\\s|$)|[;\\n\"]", options)

    /// "has expired": the noun is before it.
    let private predicate =
        Regex(@"\b(?:has|have|had|is|are|was|were|be|been|being|already)\s+$", options)

    let private future =
        Regex(@"\b(?:will|would|shall|never|going to)\s+(?:be\s+)?$", options)

    let private parameterEnd = Regex("xpire[sd]?$|xpiration$|xpiry$", options)

    /// True if the word at this index is the name of a parameter or a header.
    let private isParameter (text: string) (at: int) =
        let isPart c =
            Char.IsAsciiLetterOrDigit c || c = '-' || c = '_'

        let mutable first = at

        while first > max 0 (at - 64) && isPart text[first - 1] do
            first <- first - 1

        let mutable stop = at

        while stop < min text.Length (at + 64) && isPart text[stop] do
            stop <- stop + 1

        let name = text.Substring(first, stop - first)

        let isHeader =
            name.StartsWith("x-", StringComparison.OrdinalIgnoreCase)
            && parameterEnd.IsMatch name

        isHeader
        || name.EndsWith("xpires", StringComparison.Ordinal)
           && (name.Contains '-' || name.Contains '_' || first > 0 && name = "Expires")

    /// True if the noun that belongs to the word at this index is not the URL.
    let private isOfOther (text: string) (at: int) =
        let first = max 0 (at - before)
        let head = text.Substring(first, at - first)

        let head =
            match Seq.tryLast (clauseEnd.Matches head) with
            | Some found -> head.Substring(found.Index + found.Length)
            | None -> head

        let tail = text.Substring(at, min behind (text.Length - at))

        let tail =
            match clauseEnd.Match tail with
            | found when found.Success -> tail.Substring(0, found.Index)
            | _ -> tail

        let attribute =
            if predicate.IsMatch head then
                None
            else
                Seq.tryHead (noun.Matches((wordsBehind.Match tail).Value))

        let found =
            attribute
            |> Option.orElseWith (fun () -> Seq.tryLast (noun.Matches head))
            |> Option.orElseWith (fun () -> Seq.tryHead (noun.Matches tail))

        future.IsMatch head
        || found |> Option.exists (fun found -> found.Groups["other"].Success)

    /// The time in brackets behind a word, as Azure writes it: `Start [Fri, 01 May 2026 12:00:00 GMT]`.
    let private timeBehind (word: string) (text: string) =
        match text.IndexOf(word + " [", StringComparison.Ordinal) with
        | -1 -> None
        | i ->
            let first = i + word.Length + 2

            match text.IndexOf(']', first) with
            | -1 -> None
            | stop ->
                match
                    DateTimeOffset.TryParse(
                        text.AsSpan(first, stop - first),
                        CultureInfo.InvariantCulture,
                        DateTimeStyles.AssumeUniversal
                    )
                with
                | true, at -> Some at
                | _ -> None

    /// True if the text names a time frame that has not begun yet.
    let private isNotYetValid (text: string) =
        match timeBehind "Start" text, timeBehind "Current" text with
        | Some start, Some current -> current < start
        | _ -> false

    /// True if the text says that the URL, or what it was signed with, has expired.
    let says (text: string) : bool =
        let rec from (at: int) =
            match text.IndexOf("expir", at, StringComparison.OrdinalIgnoreCase) with
            | -1 -> false
            | i when isParameter text i || isOfOther text i -> from (i + 5)
            | _ -> true

        from 0 && not (isNotYetValid text)
