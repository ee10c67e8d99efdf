namespace CellOS.Export.S3.Core

open System
open System.Text

/// An entry of `NO_PROXY` that matches no host.
type internal IgnoredEntry = {
    /// The place in the list, from 1.
    Index: int
    /// A part of a sentence: the entry, if it may be shown, and why it is ignored.
    What: string
    /// A sentence: how to write the entry.
    Remedy: string
}

/// Explains which entries of `NO_PROXY` are ignored.
///
/// Rules that this module keeps:
/// - an entry is shown only if it looks like a host: somebody may have pasted the URL of a proxy;
/// - an entry that can match a host is not reported.
[<RequireQualifiedAccess>]
module internal NoProxyAdvice =

    let private quotes = "\"'`“”„‟‘’‚‛«»‹›<>"

    let private separators = ";| \t\r\n"

    let private mayBeShown (entry: string) =
        entry.Length <= 60
        && not (entry.Contains("//", StringComparison.Ordinal))
        && not (entry.Contains '@')
        && not (entry.Contains '=')

    let private isDigitsAndDots (text: string) =
        text <> "" && text |> Seq.forall (fun c -> Char.IsAsciiDigit c || c = '.')

    /// The first octets of an address of IPv4, without the dots around them: `10.1` of `10.1.*`.
    let private octets (text: string) =
        let parts = text.Trim([| '.'; '*' |]).Split '.'

        let isOctet (part: string) =
            part.Length >= 1
            && part.Length <= 3
            && String.forall Char.IsAsciiDigit part
            && int part <= 255
            && (part = "0" || part[0] <> '0')

        if parts.Length <= 4 && Array.forall isOctet parts then Some parts else None

    /// A network, by its octets or by its prefix length in bits.
    let private network (parts: string[]) (bits: int) =
        let zeros = Array.create (4 - parts.Length) "0"
        let address = String.Join('.', Array.append parts zeros)
        $"{address}/{bits}"

    /// The bits of a mask such as 255.255.0.0.
    let private bitsOf (mask: string) =
        IpAddress.tryParse mask
        |> Option.filter (fun octets -> octets.Length = 4)
        |> Option.bind (fun octets ->
            let bits = octets |> Array.map (fun octet -> $"%08B{octet}") |> String.concat ""
            let ones = bits.TrimEnd('0').Length
            if bits.Substring(0, ones).Contains '0' then None else Some ones)

    let private write (entry: string) (more: string) =
        if mayBeShown entry then
            $"Write {Check.quote entry}{more}."
        else
            $"Write the host alone{more}."

    let private usual =
        "Write a host, an address, a network such as 10.0.0.0/8, or '*' alone."

    let private ofSlash (entry: string) =
        let address, prefix =
            match entry.IndexOf '/' with
            | slash -> entry.Substring(0, slash), entry.Substring(slash + 1)

        let isPrefix =
            prefix <> "" && prefix.Length <= 2 && String.forall Char.IsAsciiDigit prefix

        match IpAddress.tryParse (address.Trim([| '['; ']' |])), octets address with
        | Some octets, _ when octets.Length = 4 ->
            match bitsOf prefix with
            | Some bits -> "the length of its prefix is written as a mask", write $"{address}/{bits}" ""
            | None ->
                "the length of its prefix is not a number from 0 to 32",
                $"Write a network such as {address}/24."
        | Some _, _ ->
            "the length of its prefix is not a number from 0 to 128", $"Write a network such as {address}/64."
        | None, Some parts when isPrefix && parts.Length < 4 && int prefix <= 32 ->
            "its address is not complete", write (network parts (int prefix)) ""
        | _ when (NoProxy.tryEntry address).IsSome && not (isDigitsAndDots address) ->
            "a host has no path", write address ""
        | _ -> "its address is not valid", usual

    let private ofStar (entry: string) =
        let rest = entry.TrimStart([| '*'; '.' |])

        match octets entry with
        | Some parts when parts.Length < 4 && entry.EndsWith '*' ->
            "'*' is special alone only", write (network parts (8 * parts.Length)) ""
        | _ when rest <> "" && not (rest.Contains '*') && (NoProxy.tryEntry rest).IsSome ->
            "'*' is special alone only", write rest ", which stands for all hosts below it, too"
        | _ -> "'*' is special alone only", "List each host, or the domain above them."

    let private ofDigits (entry: string) =
        match octets entry with
        | Some parts when parts.Length < 4 ->
            "an address has four numbers", write (network parts (8 * parts.Length)) ""
        | _ ->
            "it is not a valid address",
            "Write four numbers from 0 to 255 without leading zeros, such as 10.1.2.3."

    /// Why an entry is ignored, and how to write it.
    let private explain (entry: string) =
        let inside (characters: string) =
            entry.AsSpan().IndexOfAny(characters.AsSpan()) >= 0

        if entry.Contains("://", StringComparison.Ordinal) then
            "it is a URL", "Write the host alone, without scheme, port and path."
        elif inside quotes then
            let rest = String.filter (fun c -> not (quotes.Contains c)) entry

            "it contains a quotation mark or an angle bracket",
            if rest <> "" && (NoProxy.tryEntry rest).IsSome then
                write rest ""
            else
                "Delete the quotation marks, and write commas between entries."
        elif inside separators then
            "it contains a space or another separator than a comma", "Write a comma between entries."
        elif entry.Contains '@' then
            "it contains '@'", "Write the host alone, without user name and password."
        elif
            entry.EnumerateRunes()
            |> Seq.exists (fun rune -> Check.isHidden rune || Rune.IsWhiteSpace rune)
        then
            "it contains an invisible character", "Type the entry anew."
        elif entry |> Seq.exists (fun c -> c > '\127') then
            "it contains a character outside ASCII", "Write the name in its ASCII form (xn--…)."
        elif entry.Contains '*' then
            ofStar entry
        elif entry.Contains '/' then
            ofSlash entry
        elif isDigitsAndDots entry then
            ofDigits entry
        elif entry.Contains '%' then
            "an address has no zone here", write (entry.Substring(0, entry.IndexOf '%')) ""
        elif entry.Replace("-", "") |> isDigitsAndDots then
            "it is a range of addresses", "Write a network such as 10.1.2.0/24, or list each address."
        else
            "it is neither a host nor an address", usual

    /// True if an entry was read as a host that no URL can name: its last label is a number.
    let private isDead (entry: NoProxyEntry) =
        match entry with
        | NoProxyEntry.Domain name ->
            let last = name.Substring(name.LastIndexOf '.' + 1)
            last <> "" && String.forall Char.IsAsciiDigit last
        | _ -> false

    /// The entries of a list that match no host, in the order of the list.
    let ignored (value: string) : IgnoredEntry list = [
        let entries = value.Split ','

        for index in 0 .. entries.Length - 1 do
            let entry = entries[index].Trim()

            let isIgnored =
                match NoProxy.tryEntry entry with
                | None -> entry <> ""
                | Some read -> isDead read

            if isIgnored then
                let why, remedy = explain entry
                let shown = if mayBeShown entry then $", {Check.quote entry}," else ""

                {
                    Index = index + 1
                    What = $"entry {index + 1}{shown} is ignored: {why}"
                    Remedy = remedy
                }
    ]
