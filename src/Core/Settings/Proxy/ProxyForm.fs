namespace CellOS.Export.S3.Core

open System

/// Recognizes how Windows, scripts and lists name proxies where a variable takes the URL of one.
///
/// Rules that this module keeps:
/// - a text that may be one URL with a user name and a password is not reported;
/// - a message contains no part of the text.
[<RequireQualifiedAccess>]
module internal ProxyForm =

    let private form problem remedy =
        Some { Problem = problem; Remedy = remedy }

    let private starts (beginning: string) (text: string) =
        text.StartsWith(beginning, StringComparison.OrdinalIgnoreCase)

    let private windowsNames = [ "http="; "https="; "ftp="; "socks=" ]

    let private scriptWords = [ "PROXY "; "HTTP "; "HTTPS "; "SOCKS "; "SOCKS4 "; "SOCKS5 "; "DIRECT;" ]

    /// True for `[scheme://]host:port` and `[scheme://]host.domain`, without user name and password.
    let private isAddress (text: string) =
        let rest =
            match text.IndexOf("://", StringComparison.Ordinal) with
            | -1 -> text
            | i -> text.Substring(i + 3)

        let isHost (host: string) =
            host <> ""
            && host |> Seq.forall (fun c -> Char.IsAsciiLetterOrDigit c || "-._[]".Contains c)

        match rest.TrimEnd('/').Split ':' with
        | [| host |] -> isHost host && (host.Contains '.' || text <> rest)
        | [| host; port |] -> isHost host && port <> "" && String.forall Char.IsAsciiDigit port
        | _ -> false

    let private isList (value: string) =
        let options =
            StringSplitOptions.RemoveEmptyEntries ||| StringSplitOptions.TrimEntries

        let parts = value.Split([| ';'; ','; ' '; '|' |], options)

        parts.Length > 1
        && parts |> Array.forall (fun part -> isAddress part || part = "<local>")

    /// What people write for no proxy at all.
    let private noProxyWords =
        set [
            "none"
            "off"
            "no"
            "false"
            "0"
            "disabled"
            "disable"
            "null"
            "nil"
            "undefined"
            "direct"
            "-"
            "\"\""
            "''"
        ]

    /// The form of a trimmed text, if it is one of them.
    let find (value: string) : Mangling option =
        if noProxyWords.Contains(value.ToLowerInvariant()) then
            form
                "is a word for no proxy, and would be taken for the name of a host"
                "Unset the variable to use no proxy, or set NO_PROXY to the hosts that are reached directly ('*' for all)."
        elif windowsNames |> List.exists (fun name -> starts name value) then
            form
                "is a list of proxies by protocol, as Windows writes it (http=host:port;https=host:port)"
                "Set HTTP_PROXY to the proxy after 'http=', and HTTPS_PROXY to the proxy after 'https=', each as http://host:port."
        elif scriptWords |> List.exists (fun word -> starts word value) then
            form
                "is the result of a proxy script (PAC)"
                "Give the proxy that the script names, as http://host:port."
        elif isList value then
            form
                "names several proxies"
                "Give one of them, as http://host:port: a variable names one proxy. Hosts that are reached directly belong into NO_PROXY."
        elif
            value.Contains("://", StringComparison.Ordinal)
            && (value.EndsWith(".pac", StringComparison.OrdinalIgnoreCase)
                || value.EndsWith("/wpad.dat", StringComparison.OrdinalIgnoreCase))
            && not (value.Contains '@')
        then
            form
                "is the address of a proxy script (PAC), which is not read"
                "Give the proxy that the script names, as http://host:port."
        elif
            not (value.Contains "://" && value.Contains '@')
            && (UnfilledText.find value).IsSome
        then
            UnfilledText.find value
            |> Option.map (fun found -> {
                found with
                    Remedy = "Give the proxy itself, as http://host:port, or unset the variable."
            })
        else
            None
