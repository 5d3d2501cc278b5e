import { Anchor, Checkbox, Collapse, NativeSelect, Stack, Text, Textarea } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useState } from 'react';
import { useNavigate } from 'react-router';
import { useMutation, useQuery } from 'urql';
import { graphql } from '../../gql';
import { visibleText } from '../../platform/format/visible-text';
import { problemOf } from '../../platform/graphql/problem';
import { paths } from '../../platform/routing/paths';
import { FormModal } from '../../platform/ui/FormModal';
import { Go } from '../../platform/ui/Go';
import { NameField } from '../../platform/ui/NameField';
import { NewButton } from '../../platform/ui/NewButton';

const ProtectChoices = graphql(`
  query ProtectChoices {
    agents(first: 200) { edges { node { id name status subscription { id } } } }
    vaults(first: 200) { edges { node { id name subscription { id } } } }
    policies(first: 200) { edges { node { id name subscription { id } } } }
  }
`);

const ConfigureProtectionDocument = graphql(`
  mutation ConfigureProtection($input: ConfigureProtectionInput!) {
    configureProtection(input: $input) { protectedItem { id } }
  }
`);

const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

/** Agent, folders, vault, policy: what it takes to protect something. */
export function ProtectFolders() {
  const [opened, { open, close }] = useDisclosure();
  return (
    <>
      <NewButton onClick={open}>Protect folders</NewButton>
      {opened && <ProtectForm onClose={close} />}
    </>
  );
}

function ProtectForm({ onClose }: { readonly onClose: () => void }) {
  const [{ data }] = useQuery({ query: ProtectChoices, requestPolicy: 'cache-and-network' });
  const [agentId, setAgentId] = useState<string>();
  const [vaultId, setVaultId] = useState<string>();
  const [policyId, setPolicyId] = useState('');
  const [name, setName] = useState('');
  const [roots, setRoots] = useState('');
  const [exclude, setExclude] = useState('');
  const [include, setInclude] = useState('');
  const [oneFileSystem, setOneFileSystem] = useState(false);
  const [more, { toggle }] = useDisclosure();
  const [{ fetching, error }, protect] = useMutation(ConfigureProtectionDocument);
  const navigate = useNavigate();

  const agents = data?.agents.edges.map(({ node }) => node).filter(({ status }) => status !== 'REVOKED') ?? [];
  const agent = agents.find(({ id }) => id === agentId) ?? agents[0];
  const own = <Each extends { subscription: { id: string } }>(each: Each): boolean =>
    each.subscription.id === agent?.subscription.id;
  const vaults = data?.vaults.edges.map(({ node }) => node).filter(own) ?? [];
  const vault = vaults.find(({ id }) => id === vaultId) ?? vaults[0];
  const policies = data?.policies.edges.map(({ node }) => node).filter(own) ?? [];

  const submit = async (): Promise<void> => {
    if (!agent || !vault) return;
    const result = await protect({
      input: {
        agentId: agent.id,
        vaultId: vault.id,
        ...(policyId === '' ? {} : { policyId }),
        name,
        files: { roots: linesOf(roots), include: linesOf(include), exclude: linesOf(exclude), oneFileSystem },
      },
    });
    if (result.data) await navigate(paths.protectedItem(result.data.configureProtection.protectedItem.id));
  };

  return (
    <FormModal
      opened
      onClose={onClose}
      title="Protect folders"
      size="lg"
      submit="Protect"
      failure="The folders are not protected"
      busy={fetching}
      disabled={!agent || !vault}
      problem={error && problemOf(error)}
      onSubmit={() => void submit()}
    >
      {data && !agent && (
        <Text size="sm">
          No host has enrolled yet: add one on the page{' '}
          <Go inText to={paths.agents}>
            Agents
          </Go>
          .
        </Text>
      )}
      {agent && !vault && (
        <Text size="sm">
          There is no vault yet: create one on the page{' '}
          <Go inText to={paths.vaults}>
            Vaults
          </Go>
          .
        </Text>
      )}
      <NameField description="How this item is called here." value={name} onChange={setName} />
      <NativeSelect
        label="Agent"
        required
        data={agents.map((each) => ({ value: each.id, label: visibleText(each.name) }))}
        value={agent?.id ?? ''}
        onChange={(event) => setAgentId(event.currentTarget.value)}
      />
      <Textarea
        label="Folders"
        description="Absolute paths on that host, one a line. A backslash is written twice."
        placeholder="/srv"
        required
        autosize
        minRows={2}
        spellCheck={false}
        value={roots}
        onChange={(event) => setRoots(event.currentTarget.value)}
      />
      <NativeSelect
        label="Vault"
        required
        data={vaults.map((each) => ({ value: each.id, label: visibleText(each.name) }))}
        value={vault?.id ?? ''}
        onChange={(event) => setVaultId(event.currentTarget.value)}
      />
      <NativeSelect
        label="Policy"
        data={[
          { value: '', label: 'None: on demand only' },
          ...policies.map((each) => ({ value: each.id, label: visibleText(each.name) })),
        ]}
        value={policyId}
        onChange={(event) => setPolicyId(event.currentTarget.value)}
      />
      <Anchor
        component="button"
        type="button"
        size="sm"
        onClick={toggle}
        aria-expanded={more}
        style={{ alignSelf: 'flex-start' }}
      >
        What to leave out
      </Anchor>
      <Collapse expanded={more}>
        <Stack>
          <Textarea
            label="Leave out"
            description="Patterns, one a line: *.tmp, node_modules/"
            autosize
            minRows={2}
            spellCheck={false}
            value={exclude}
            onChange={(event) => setExclude(event.currentTarget.value)}
          />
          <Textarea
            label="Only"
            description="Patterns, one a line. Empty: everything that is not left out."
            autosize
            minRows={2}
            spellCheck={false}
            value={include}
            onChange={(event) => setInclude(event.currentTarget.value)}
          />
          <Checkbox
            label="Stay on the file systems of these folders"
            checked={oneFileSystem}
            onChange={(event) => setOneFileSystem(event.currentTarget.checked)}
          />
        </Stack>
      </Collapse>
    </FormModal>
  );
}
