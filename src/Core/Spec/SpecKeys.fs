namespace CellOS.Export.S3.Core

/// The values of keys in a document. A wrong type names its line.
[<RequireQualifiedAccess>]
module internal SpecKeys =

    let problem (node: SpecNode) text =
        Error [ ConfigProblem.inSpec (SpecNode.lineOf node) text ]

    let rec isOneOf (names: string list) (key: string) =
        match names with
        | [] -> false
        | name :: others -> name = key || isOneOf others key

    /// The value of a key that may be written in several ways, but only once.
    let one (who: string) (names: string list) (entries: struct (string * SpecNode)[]) =
        let rec next i =
            if i = entries.Length then
                -1
            else
                let struct (key, _) = entries[i]
                if isOneOf names key then i else next (i + 1)

        match next 0 with
        | -1 -> Ok None
        | at ->
            let struct (first, node) = entries[at]

            match next (at + 1) with
            | -1 -> Ok(Some(first, node))
            | at ->
                let struct (second, node) = entries[at]

                if first = second then
                    problem node $"{who} has '{first}' twice, itself or by a merge ('<<'). Keep one of them."
                else
                    problem node $"{who} has both '{first}' and '{second}'. Keep one of them."

    let text (who: string) (names: string list) entries : DraftText =
        one who names entries
        |> Result.bind (fun found ->
            match found with
            | None -> Ok null
            | Some(name, node) ->
                match node with
                | SpecNode.Nothing -> Ok null
                | SpecNode.Text value -> Ok value
                | SpecNode.Scalar _ ->
                    problem
                        node
                        $"'{name}' of {who} must be a text, and is {SpecNode.kind node}. Put it in quotes if it is meant as it stands."
                | _ ->
                    problem
                        node
                        $"'{name}' of {who} must be a text, and is {SpecNode.kind node}. Give one text.")

    let mapping (who: string) (node: SpecNode) =
        match node with
        | SpecNode.Mapping(_, entries) -> Ok entries
        | node ->
            problem node $"{who} must be a mapping, and is {SpecNode.kind node}. Give it keys with values."
