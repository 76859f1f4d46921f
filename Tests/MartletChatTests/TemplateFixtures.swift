/// Templates that resemble real ones, each with the property that distinguishes it.
enum TemplateFixtures {
    /// ChatML with reasoning, tools and a switch for reasoning.
    static let reasoning = """
        {%- if tools -%}
        {{- '<|im_start|>system\\nTools:' -}}
        {%- for tool in tools -%}{{- '\\n' -}}{{- tool | tojson -}}{%- endfor -%}
        {{- '<|im_end|>\\n' -}}
        {%- endif -%}
        {%- for m in messages -%}
        {{- '<|im_start|>' + m.role + '\\n' -}}
        {%- if m.role == 'assistant' and m.reasoning_content is string -%}
        {{- '<think>\\n' + m.reasoning_content + '\\n</think>\\n\\n' -}}
        {%- endif -%}
        {{- m.content if m.content is string else '' -}}
        {%- for call in m.tool_calls or [] -%}
        {{- '<tool_call>' + call.function.name + ' ' -}}
        {{- call.function.arguments if call.function.arguments is string else call.function.arguments | tojson -}}
        {{- '</tool_call>' -}}
        {%- endfor -%}
        {{- '<|im_end|>\\n' -}}
        {%- endfor -%}
        {%- if add_generation_prompt -%}
        {{- '<|im_start|>assistant\\n' -}}
        {%- if enable_thinking is defined and not enable_thinking -%}{{- '<think>\\n\\n</think>\\n\\n' -}}{%- endif -%}
        {%- endif -%}
        """

    /// Refuses a system role and unordered turns, and has its delimiters in the generation prompt.
    static let strict = """
        {{- bos_token -}}
        {%- for m in messages -%}
        {%- if m.role == 'system' -%}{{- raise_exception('System role not supported') -}}{%- endif -%}
        {%- if (m.role == 'user') != (loop.index0 % 2 == 0) -%}
        {{- raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') -}}
        {%- endif -%}
        {{- '<turn>' + m.role + '\\n' + m.content.split('</think>')[-1] + '</turn>\\n' -}}
        {%- endfor -%}
        {%- if add_generation_prompt -%}{{- '<turn>model\\n<think>\\n' -}}{%- endif -%}
        """

    /// Renders tools in a system message and no past calls, as LFM2's template does.
    static let toolList = """
        {{- bos_token -}}
        {%- set ns = namespace(lead='') -%}
        {%- set ns.lead = messages[0].content if messages[0].role == 'system' else '' -%}
        {%- if tools -%}
        {%- set ns.lead = ns.lead ~ ('\\n' if ns.lead else '') ~ 'List of tools: <|tool_list_start|>[' -%}
        {%- for tool in tools -%}
        {%- set ns.lead = ns.lead ~ (tool if tool is string else tool | tojson) ~ (', ' if not loop.last else '') -%}
        {%- endfor -%}
        {%- set ns.lead = ns.lead ~ ']<|tool_list_end|>' -%}
        {%- endif -%}
        {%- if ns.lead -%}{{- '<|im_start|>system\\n' ~ ns.lead ~ '<|im_end|>\\n' -}}{%- endif -%}
        {%- for m in messages if m.role != 'system' -%}
        {{- '<|im_start|>' ~ m.role ~ '\\n' -}}
        {{- '<|tool_response_start|>' ~ m.content ~ '<|tool_response_end|>' if m.role == 'tool' else m.content -}}
        {{- '<|im_end|>\\n' -}}
        {%- endfor -%}
        {%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}
        """

    /// Accepts content only as parts, and arguments only as objects.
    static let parts = """
        {%- for m in messages -%}
        {{- '[' + m.role + ']' -}}
        {%- for part in m.content -%}{{- part.text if part.type == 'text' else '<image>' -}}{%- endfor -%}
        {%- for call in m.tool_calls or [] -%}
        {{- call.function.name -}}{%- for k, v in call.function.arguments.items() -%}{{- ' ' ~ k ~ '=' ~ v -}}{%- endfor -%}
        {%- endfor -%}
        {%- endfor -%}
        """
}
