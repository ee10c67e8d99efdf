namespace CellOS.Export.S3.Core

open System

/// Recognizes what appears in the place of a URL that no program filled in: a variable that no shell expanded, a
/// placeholder of a document or of a template, the path of a file, a command.
///
/// Rules that this module keeps:
/// - it reports what cannot be a URL; a text that it passes may still not be one;
/// - a message contains no part of the text except the name of a variable.
[<RequireQualifiedAccess>]
module internal UnfilledText =

    let private mangling problem remedy =
        Some { Problem = problem; Remedy = remedy }

    let private starts (beginning: string) (value: string) =
        value.StartsWith(beginning, StringComparison.OrdinalIgnoreCase)

    let private isNameStart (c: char) = Char.IsAsciiLetter c || c = '_'
    let private isNamePart (c: char) = Char.IsAsciiLetterOrDigit c || c = '_'

    /// The name of a variable at a place; empty if there is none.
    let private nameAt (value: string) (first: int) =
        if first >= value.Length || not (isNameStart value[first]) then
            ""
        else
            let mutable stop = first + 1

            while stop < value.Length && isNamePart value[stop] do
                stop <- stop + 1

            value.Substring(first, stop - first)

    let private quoted (name: string) =
        if name <> "" && name.Length <= 40 then $" '{name}'" else ""

    let private unexpanded (by: string) (name: string) =
        mangling
            $"is the name of a variable that {by} did not expand{quoted name}"
            "Give the value itself. A shell expands $NAME in double quotes, and not in single quotes or in a file of variables."

    let private command =
        mangling
            "is a command that no shell ran"
            "Run the command, and give the URL that it writes; URL_COMMAND takes a command."

    /// A variable of a shell, of PowerShell, of Windows or of a service manager in the place of the whole text or of a host.
    let private variable (value: string) =
        // At the beginning, or in the place of a host.
        let first =
            if value <> "" && "$%!`".Contains value[0] then
                0
            else
                match value.IndexOf("://", StringComparison.Ordinal) with
                | -1 -> 0
                | i -> i + 3

        let isWhole (stop: int) =
            stop = value.Length || value[stop] = '/' || value[stop] = ':'

        let enclosed (mark: char) =
            let name = nameAt value (first + 1)
            let stop = first + 1 + name.Length

            if name <> "" && stop < value.Length && value[stop] = mark && isWhole (stop + 1) then
                Some name
            else
                None

        if first >= value.Length then
            None
        else
            match value[first] with
            | '$' when starts "$env:" (value.Substring first) ->
                unexpanded "PowerShell" (nameAt value (first + 5))
            | '$' when value.IndexOf('(', first) = first + 1 -> command
            | '$' ->
                match nameAt value (first + 1) with
                | "" -> None
                | name when isWhole (first + 1 + name.Length) -> unexpanded "a shell" name
                | _ -> None
            | '%' -> enclosed '%' |> Option.bind (unexpanded "Windows")
            | '!' -> enclosed '!' |> Option.bind (unexpanded "Windows")
            | '`' when value.Length > 1 && value.EndsWith '`' && value.Contains ' ' -> command
            | _ -> None

    let private placeholders = [ "{cell_id}"; "{artifact_name}" ]

    /// A variable in braces: no URL contains braces, except those of this library's placeholders.
    let private inBraces (value: string) =
        match value.IndexOf("${", StringComparison.Ordinal) with
        | -1 -> None
        | at when value.IndexOf("${{", at, StringComparison.Ordinal) = at -> None
        | at ->
            let isOurs =
                placeholders
                |> List.exists (fun known -> String.CompareOrdinal(value, at + 1, known, 0, known.Length) = 0)

            // Before a query only: after it there may be a secret.
            let isBeforeQuery = value.IndexOf('?', 0, at) < 0

            if isOurs then
                None
            else
                let name = if isBeforeQuery then nameAt value (at + 2) else ""

                if at = 0 then
                    unexpanded "a shell" name
                else
                    mangling
                        $"contains a variable that no shell expanded{quoted name}, at position {at + 1}"
                        "Give its value there. A shell expands ${NAME} in double quotes, and not in single quotes or in a file of variables."

    // '%{' and '#{' are none: a placeholder of this library may follow any character.
    let private templateMarks = [ "{{", "}}"; "<%", "%>"; "[[", "]]"; "@@", "@@" ]

    /// An expression of a template that no program filled in.
    let private template (value: string) =
        let isThere (first: string, last: string) =
            match value.IndexOf(first, StringComparison.Ordinal) with
            | -1 -> false
            | at -> value.IndexOf(last, at + first.Length, StringComparison.Ordinal) > at

        if templateMarks |> List.exists isThere then
            mangling
                "contains an expression of a template that no program filled in"
                "Run the program that fills the template, such as Helm, Ansible or a pipeline, or give the URL itself."
        else
            None

    /// The first segment of a key that is a variable or an expression of a template, such as `$CELL_ID` or `{{cell}}`.
    let variableIn (key: string) : string option =
        key.Split '/'
        |> Array.tryFind (fun segment ->
            [ variable; inBraces; template ]
            |> List.exists (fun find -> (find segment).IsSome))

    let private words =
        set [
            "todo"
            "tbd"
            "tba"
            "fixme"
            "xxx"
            "changeme"
            "changethis"
            "replaceme"
            "replacethis"
            "placeholder"
            "example"
            "sample"
            "dummy"
            "foo"
            "url"
            "theurl"
            "myurl"
            "uploadurl"
            "presignedurl"
            "presigned"
            "presignedurlhere"
            "urlhere"
            "redacted"
            "hidden"
            "masked"
            "secret"
        ]

    let private beginnings = [
        "your"
        "insert"
        "enter"
        "replace"
        "changeme"
        "todo"
        "fixme"
        "puturl"
        "pasteurl"
        "paste"
    ]

    /// What programs write for a value that is absent.
    let private absent =
        set [
            "null"
            "none"
            "nil"
            "undefined"
            "nan"
            "unset"
            "empty"
            "false"
            "na"
            "n/a"
        ]

    let private isWord (text: string) =
        let letters = text.ToLowerInvariant() |> String.filter Char.IsAsciiLetterOrDigit

        Set.contains letters words && text.AsSpan().IndexOfAny('/', '\\') < 0
        || (beginnings |> List.exists (fun beginning -> starts beginning letters)
            && text.AsSpan().IndexOfAny("/?&=") < 0
            && not (text.Contains '.' && text.Contains '%'))

    /// The text within brackets around it.
    let private inner (value: string) =
        let pairs = [ '<', '>'; '[', ']'; '(', ')'; '{', '}'; '_', '_'; '@', '@'; '*', '*' ]

        let rec strip (text: string) =
            match pairs |> List.tryFind (fun (first, _) -> text <> "" && text[0] = first) with
            | Some(_, last) when text.Length > 2 && text.EndsWith last -> strip (text[1 .. text.Length - 2])
            | _ -> text

        strip value

    let private isPlaceholderName (name: string) =
        name <> ""
        && name.Length <= 40
        && not (List.contains ("{" + name + "}") placeholders)
        && name |> Seq.forall (fun c -> isNamePart c || c = '-' || c = ' ' || c = '.')

    /// A name in angle brackets within a URL, as documents write what the reader replaces.
    let private inAngles (value: string) =
        match value.IndexOf '<' with
        | at when at > 0 && value.IndexOf('?', 0, at) < 0 ->
            match value.IndexOf('>', at) with
            | stop when stop > at && isPlaceholderName (value.Substring(at + 1, stop - at - 1)) ->
                mangling
                    $"contains a placeholder in angle brackets, {value.Substring(at, stop - at + 1)}"
                    "Replace it, or give the URL that the presigner made."
            | _ -> None
        | _ -> None

    let private placeholder (value: string) =
        let text = inner value

        if Set.contains (value.ToLowerInvariant()) absent then
            mangling
                $"is '{value}', which a program writes for a value that is absent"
                "Run the program that makes the URL again, and look at what it returned (jq writes null for a missing key)."
        elif
            value.Contains "://"
            || List.contains ("{" + text + "}") placeholders
            || not (isWord text || value <> text && value[0] <> '{' && isPlaceholderName text)
        then
            if value.Length > 1 && value |> Seq.forall (fun c -> ".*xX-_?#".Contains c) then
                mangling "is a placeholder" "Give the URL that the presigner made."
            else
                None
        else
            mangling "is a placeholder, such as documents contain" "Give the URL that the presigner made."

    let private fileEndings = [
        ".txt"
        ".url"
        ".json"
        ".yaml"
        ".yml"
        ".env"
        ".conf"
        ".cfg"
        ".ini"
        ".secret"
        ".csv"
        ".md"
    ]

    let private isDrive (value: string) =
        value.Length > 2
        && Char.IsAsciiLetter value[0]
        && value[1] = ':'
        && (value[2] = '\\' || value[2] = '/')

    /// The path of a file, or of an object, without a scheme and a host.
    let private path (value: string) =
        let hasQuery = value.Contains '?'

        let isPath =
            [ "./"; "../"; "~/"; ".\\"; "..\\"; "\\\\"; "file:"; "/" ]
            |> List.exists (fun beginning -> starts beginning value)
            || isDrive value

        let names (text: string) =
            not (text.Contains "://")
            && not hasQuery
            && fileEndings
               |> List.exists (fun ending -> text.EndsWith(ending, StringComparison.OrdinalIgnoreCase))
            && not (text.Contains ".amazonaws.")

        if starts "//" value then
            mangling "lacks its scheme before '//'" "Write https: at its beginning."
        elif isPath && hasQuery then
            mangling
                "is a path with a query, without http:// or https:// and a host"
                "Give the whole URL, with https:// and the host."
        elif value.StartsWith '@' && not (value.Contains "://") then
            mangling
                "begins with '@', which is read as a part of it and names no file"
                "Give the URL that the file contains; a file with a URL for each artifact belongs into PRESIGNED_URLS_FILE."
        elif isPath || names value then
            mangling
                "is a path without scheme and host, such as that of a file"
                "Give the URL itself, with https://: that which the file contains. A file with a URL for each artifact belongs into PRESIGNED_URLS_FILE."
        else
            None

    let private other (value: string) =
        if starts "arn:" value then
            mangling "is an ARN, which no request can be sent to" "Give the presigned URL of the object."
        elif
            starts "{\"" value
            || starts "[\"" value
            || starts "{ \"" value
            || value.StartsWith '{' && value.Contains "\":"
        then
            mangling
                "is JSON, not a URL"
                "Give the URL that the JSON contains. Write a JSON object with a URL for each artifact to a file, and give the file in PRESIGNED_URLS_FILE."
        elif
            not (value.Contains "http://" || value.Contains "https://")
            && [
                "aws "
                "cat "
                "echo "
                "jq "
                "mc "
                "gsutil "
                "az "
                "gcloud "
                "vault "
                "curl "
               ]
               |> List.exists (fun command -> starts command value)
        then
            command
        else
            None

    /// True if a trimmed text begins as a URL does, has a name for a host and no brace, as nearly all have.
    let private isUsual (value: string) =
        let after =
            if value.StartsWith("https://", StringComparison.Ordinal) then 8
            elif value.StartsWith("http://", StringComparison.Ordinal) then 7
            else 0

        after > 0
        && value.Length > after
        && (Char.IsAsciiLetterOrDigit value[after] || value[after] = '[')
        && value.AsSpan().IndexOfAny("{<[@") < 0

    /// What appears in the place of a URL, or of a part of one, if it is one of the known ways. `value` is trimmed.
    let find (value: string) : Mangling option =
        if value = "" || isUsual value then
            None
        else
            variable value
            |> Option.orElseWith (fun () -> inBraces value)
            |> Option.orElseWith (fun () -> inAngles value)
            |> Option.orElseWith (fun () -> other value)
            |> Option.orElseWith (fun () -> template value)
            |> Option.orElseWith (fun () ->
                if value.Contains "://" && not (starts "file:" value) then
                    None
                else
                    placeholder value)
            |> Option.orElseWith (fun () ->
                if value.Contains "://" && not (starts "file:" value) then None else path value)
