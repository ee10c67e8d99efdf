namespace CellOS.Export.S3.Core

open System
open System.Globalization
open FsToolkit.ErrorHandling

/// A setting that a host's configuration gives in place of a variable. Its value may be a credential: `ToString` does not show it.
[<Sealed>]
type internal SpecSetting(target: TargetName option, key: string, variable: string, value: string) =
    /// The target; `None` for a setting that targets share.
    member _.Target = target

    /// The key, as `maxAttempts`.
    member _.Key = key

    /// The variable that sets the same, and counts more.
    member _.Variable = variable

    /// The value, in the form of the variable.
    member _.Value = value

    override _.Equals other =
        match other with
        | :? SpecSetting as other ->
            other.Target = target
            && other.Key = key
            && other.Variable = variable
            && other.Value = value
        | _ -> false

    override _.GetHashCode() = HashCode.Combine(variable, value)
    override _.ToString() = key

/// The form of a key's value.
[<RequireQualifiedAccess>]
type internal KeyForm =
    /// That of the variable.
    | Text
    /// `on` or `off`; a truth value counts as one of them.
    | Switch
    /// A time such as `00:02:00`, from `least` to `most` milliseconds.
    | Time of Least: int64 * Most: int64
    /// A text, or a list of words.
    | Command

/// A key of a host's configuration and the variables that it stands for.
type internal SettingKey = {
    /// As it is written, in camelCase.
    Key: string
    /// The form of its value.
    Form: KeyForm
    /// What begins the variable of a target, or the variables that targets share.
    Variables: string list
}

/// The settings that a host's configuration may give below `export` and below its targets. Their keys are the names of the options
/// of C#.
///
/// Rules that this module keeps:
/// - a key stands for a variable, whose rules are those of its value;
/// - times have the form of .NET, so that no number is taken for the wrong unit.
[<RequireQualifiedAccess>]
module internal SettingKeys =

    let private longestTimeout = int64 Int32.MaxValue
    let private longestWait = int64 RetryPolicy.MaxWait.TotalMilliseconds
    let private timeout = KeyForm.Time(1L, longestTimeout)
    let private wait = KeyForm.Time(0L, longestWait)

    let private row key form variables = {
        Key = key
        Form = form
        Variables = variables
    }

    /// Those of a target of kind `s3`.
    let private s3 = [
        row "presignedUrl" KeyForm.Text [ Variable.PresignedUrl ]
        row "presignedUrlsFile" KeyForm.Text [ Variable.PresignedUrlsFile ]
        row "brokerUrl" KeyForm.Text [ Variable.BrokerUrl ]
        row "brokerTokenFile" KeyForm.Text [ Variable.BrokerTokenFile ]
        row "urlCommand" KeyForm.Command [ Variable.UrlCommand ]
        row "bindDigest" KeyForm.Text [ Variable.BindDigest ]
        row "maxAttempts" KeyForm.Text [ Variable.MaxAttempts ]
        row "retryBackoff" wait [ Variable.RetryBackoff ]
        row "retryMode" KeyForm.Text [ Variable.RetryMode ]
        row "maxRetryBackoff" wait [ Variable.RetryMaxBackoff ]
        row "deadline" timeout [ Variable.Deadline ]
        row "writeOnce" KeyForm.Text [ Variable.WriteOnce ]
        row "integrity" KeyForm.Text [ Variable.Integrity ]
        row "contentMd5" KeyForm.Text [ Variable.ContentMd5 ]
        row "acceptUnmarked" KeyForm.Text [ Variable.AcceptUnmarked ]
        row "keyCheck" KeyForm.Switch [ Variable.KeyCheck ]
        row "maxObjectBytes" KeyForm.Text [ Variable.MaxObjectBytes ]
        row "spoolFolder" KeyForm.Text [ Variable.SpoolDir ]
        row "spoolMaxBytes" KeyForm.Text [ Variable.SpoolMaxBytes ]
    ]

    /// Those of a target of kind `http`.
    let private http = [
        row "baseUrl" KeyForm.Text [ Variable.LegacyUrl ]
        row "bearerToken" KeyForm.Text [ Variable.HttpToken ]
        row "allowPlaintextToken" KeyForm.Text [ Variable.HttpPlaintextToken ]
        row "maxAttempts" KeyForm.Text [ Variable.HttpMaxAttempts ]
        row "retryBackoff" wait [ Variable.HttpRetryBackoff ]
        row "requestTimeout" timeout [ Variable.HttpRequestTimeout ]
        row "connectTimeout" timeout [ Variable.HttpConnectTimeout ]
        row "spoolFolder" KeyForm.Text [ Variable.HttpSpoolDir ]
        row "spoolMaxBytes" KeyForm.Text [ Variable.HttpSpoolMaxBytes ]
    ]

    /// Those of a target of kind `local`.
    let private local = [
        row "root" KeyForm.Text [ Variable.LocalFolder ]
        row "overwrite" KeyForm.Text [ Variable.LocalOverwrite ]
    ]

    /// Those below `export`, for all targets.
    let shared = [
        row "brokerUrl" KeyForm.Text [ Variable.SharedBrokerUrl ]
        row "brokerTokenFile" KeyForm.Text [ Variable.SharedBrokerTokenFile ]
        row "urlCommand" KeyForm.Command [ Variable.SharedUrlCommand ]
        row "bindDigest" KeyForm.Text [ Variable.SharedBindDigest ]
        row "requestTimeout" timeout [ Variable.RequestTimeout; Variable.SharedHttpRequestTimeout ]
        row "connectTimeout" timeout [ Variable.ConnectTimeout; Variable.SharedHttpConnectTimeout ]
        row "stallTimeout" timeout [ Variable.StallTimeout ]
        row "expectContinueMinBytes" KeyForm.Text [ Variable.ExpectContinueMinBytes ]
        row "spoolFolder" KeyForm.Text [ Variable.SharedSpoolDir; Variable.SharedHttpSpoolDir ]
        row "spoolMaxBytes" KeyForm.Text [ Variable.SharedSpoolMaxBytes; Variable.SharedHttpSpoolMaxBytes ]
        row "caBundle" KeyForm.Text [ Variable.CaBundle ]
        row "strict" KeyForm.Text [ Variable.Strict ]
    ]

    /// Those of a target of a kind.
    let ofKind (kind: TargetKind) : SettingKey list =
        match kind with
        | TargetKind.S3 -> s3
        | TargetKind.Http -> http
        | TargetKind.Local -> local

    /// Those of targets, of any kind.
    let private ofTargets = s3 @ http @ local

    /// All keys, as they are written.
    let all: string list = ofTargets @ shared |> List.map _.Key |> List.distinct

    let private milliseconds (time: TimeSpan) =
        if time.Ticks % TimeSpan.TicksPerMillisecond = 0L then
            Some(time.Ticks / TimeSpan.TicksPerMillisecond)
        else
            None

    let private timeText (milliseconds: int64) =
        (TimeSpan.FromMilliseconds(float milliseconds)).ToString("c", CultureInfo.InvariantCulture)

    /// At most 26 digits and separators are shown of a time that is wrong: somebody may have put a credential there.
    let private shownTime (value: string) =
        if
            value.Length <= 26
            && value
               |> String.forall (fun c -> Char.IsAsciiDigit c || c = ':' || c = '.' || c = '-')
        then
            $"'{value}'"
        else
            Check.invariant $"a text of {value.Length} characters"

    let private wrongTime (target: TargetName option) key (value: string) least most : Finding = {
        Id = FindingId.InvalidNumber
        Severity = Severity.Warning
        Target = target |> Option.map TargetName.value
        Variable = key
        What =
            $"{shownTime value} is not a time in whole milliseconds from {timeText least} to {timeText most}; it is ignored"
        Remedy =
            match Int64.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture) with
            | true, number when least <= number && number <= most ->
                $"Write {timeText number} if it means milliseconds."
            | _ -> "Write hours, minutes and seconds, such as 00:02:00."
    }

    let private time target key (value: string) least most : Result<string, Finding> =
        match TimeSpan.TryParseExact(value, "c", CultureInfo.InvariantCulture) with
        | true, time when value.Contains ':' ->
            match milliseconds time with
            | Some number when least <= number && number <= most ->
                Ok(number.ToString CultureInfo.InvariantCulture)
            | _ -> Error(wrongTime target key value least most)
        | _ -> Error(wrongTime target key value least most)

    let private switch (value: string) =
        match value.ToLowerInvariant() with
        | "true" -> "on"
        | "false" -> "off"
        | _ -> value

    /// A word, so that it is read as it is.
    let private quotedWord (word: string) =
        "'" + word.Replace("'", "'\\''", StringComparison.Ordinal) + "'"

    /// The words of a list, as one line; `None` if one of them is not a text.
    let private line (items: SpecNode[]) : string option =
        let words =
            items
            |> List.ofArray
            |> List.choose (fun item ->
                match item with
                | SpecNode.Scalar(_, value, _) -> Some(quotedWord value)
                | _ -> None)

        if words.Length = items.Length then Some(String.Join(' ', words)) else None

    /// The text of a key; null where it is not given.
    let private textOf who (key: SettingKey) (entries: struct (string * SpecNode)[]) : DraftText =
        let list =
            match key.Form with
            | KeyForm.Command ->
                SpecKeys.one who [ key.Key ] entries
                |> Result.map (fun found ->
                    match found with
                    | Some(_, SpecNode.Sequence(_, items)) -> line items
                    | _ -> None)
            | _ -> Ok None

        match list with
        | Ok(Some line) -> Ok line
        | _ -> SpecKeys.text who [ key.Key ] entries

    /// The settings among the entries of a target, or of `export`, with what is wrong with times.
    let read
        (who: string)
        (target: TargetName option)
        (keys: SettingKey list)
        (entries: struct (string * SpecNode)[])
        : Validation<SpecSetting list * Finding list, ConfigProblem> =
        keys
        |> List.traverseValidationA (fun key ->
            textOf who key entries
            |> Result.map (fun text ->
                let form (value: string) =
                    match key.Form with
                    | KeyForm.Text
                    | KeyForm.Command -> Ok value
                    | KeyForm.Switch -> Ok(switch value)
                    | KeyForm.Time(least, most) -> time target key.Key value least most

                match SpecDraft.given text |> Option.map (_.Trim() >> form) with
                | None -> [], []
                | Some(Error finding) -> [], [ finding ]
                | Some(Ok value) ->
                    [
                        for variable in key.Variables do
                            let name =
                                match target with
                                | Some target -> Variable.forTarget target variable
                                | None -> variable

                            SpecSetting(target, key.Key, name, value)
                    ],
                    []))
        |> Result.map (fun found -> List.collect fst found, List.collect snd found)

    /// What to do about a key that is read elsewhere only; `isShared` is true below `export`, and false below a target.
    let elsewhere (isShared: bool) (key: string) : string option =
        let isKey (known: SettingKey) =
            known.Key.Equals(key, StringComparison.OrdinalIgnoreCase)

        if isShared then
            if ofTargets |> List.exists isKey then
                Some "Move it to the targets that it is for."
            else
                None
        elif shared |> List.exists isKey then
            Some "Move it to 'export': targets share it."
        elif ofTargets |> List.exists isKey then
            Some "Remove it: targets of this kind have no such setting."
        else
            None
